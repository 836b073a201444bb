import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Entry } from "../archive/entry.ts";
import { fileSystemPath } from "../archive/path-bytes.ts";
import type { ByteStream, ChunkOwner } from "../content/blob-store.ts";
import type { BytesPart } from "../content/bytes.ts";
import type { Digest } from "../content/digest.ts";
import { ContentDigests } from "./content-digests.ts";
import { readRange } from "./file-bytes.ts";
import { readIndex, readSummary, summaryOf, type LayerIndex, type LayerSummary } from "./layer-index.ts";
import type { Layer, LayerId } from "./layer.ts";

/** What lies in the directory of a layer. `tar` or `tree` is always there; `diffId` once it is known, `unsaid` where there is such. */
export const LAYER_FILES = { index: "index", digests: "digests", diffId: "diff-id", tar: "tar", tree: "tree", unsaid: "unsaid" } as const;

const NEVER = new AbortController().signal;

/** A layer on disk. Its entries are loaded at the first question and then kept; contents are read from where they are. */
export class StoredLayer implements Layer {
  readonly id: LayerId;
  readonly directory: string;
  readonly digests: ContentDigests;
  #index: Promise<LayerIndex> | undefined;
  #unsaid: Promise<readonly Entry[]> | undefined;
  #numbers: Map<string, number> | undefined;
  #tarFd: number | undefined;

  constructor(id: LayerId, directory: string, index?: LayerIndex) {
    this.id = id;
    this.directory = directory;
    this.digests = new ContentDigests(this.path("digests"));
    this.#index = index === undefined ? undefined : Promise.resolve(index);
  }

  path(file: keyof typeof LAYER_FILES): string {
    return join(this.directory, LAYER_FILES[file]);
  }

  get hasTree(): boolean {
    return existsSync(this.path("tree"));
  }

  async entries(signal: AbortSignal): Promise<readonly Entry[]> {
    return (await this.index(signal)).entries;
  }

  async index(signal: AbortSignal): Promise<LayerIndex> {
    signal.throwIfAborted();
    // Not the first caller's signal: others wait for the same answer.
    this.#index ??= readIndex(this.path("index"), NEVER).catch((error: unknown) => {
      this.#index = undefined;
      throw error;
    });
    return await this.#index;
  }

  async unsaid(signal: AbortSignal): Promise<readonly Entry[]> {
    signal.throwIfAborted();
    this.#unsaid ??= existsSync(this.path("unsaid")) ? readIndex(this.path("unsaid"), NEVER).then(({ entries }) => entries) : Promise.resolve([]);
    return await this.#unsaid;
  }

  async summary(): Promise<LayerSummary> {
    return this.#index === undefined ? await readSummary(this.path("index")) : summaryOf(await this.#index);
  }

  read(entry: Entry, signal: AbortSignal, chunks?: ChunkOwner): ByteStream {
    return this.#readPart(entry, { offsetBytes: 0, sizeBytes: Infinity }, signal, chunks);
  }

  readPart(entry: Entry, part: BytesPart, signal: AbortSignal): ByteStream {
    return this.#readPart(entry, part, signal, "kept");
  }

  async *#readPart(entry: Entry, part: BytesPart, signal: AbortSignal, chunks: ChunkOwner | undefined): ByteStream {
    const index = await this.index(signal);
    const number = this.#numberOf(entry, index);
    const stored = index.entries[number];
    const sizeBytes = Math.min(part.sizeBytes, (stored?.sizeBytes ?? 0) - part.offsetBytes);
    if (stored === undefined || sizeBytes <= 0) return;
    if (index.form === "tar") {
      yield* readRange({ fd: this.tarFd(), offsetBytes: (index.offsets[number] ?? 0) + part.offsetBytes, sizeBytes, name: stored.path }, signal, chunks);
      return;
    }
    const fd = openSync(fileSystemPath(join(this.path("tree"), stored.path)), "r");
    try {
      yield* readRange({ fd, offsetBytes: part.offsetBytes, sizeBytes, name: stored.path }, signal, chunks);
    } finally {
      closeSync(fd);
    }
  }

  async contentDigest(entry: Entry, signal: AbortSignal): Promise<Digest> {
    const number = this.#numberOf(entry, await this.index(signal));
    const known = this.digests.get(number);
    if (known !== undefined) return known;
    const sum = createHash("sha256");
    for await (const chunk of this.read(entry, signal, "lent")) sum.update(chunk);
    const sha256 = sum.digest();
    this.digests.add(new Map([[number, sha256]]));
    // 64 characters of lower-case hex by construction.
    return `sha256:${sha256.toString("hex")}` as Digest;
  }

  /** Opened once: thousands of files are read from one archive. */
  tarFd(): number {
    this.#tarFd ??= openSync(this.path("tar"), "r");
    return this.#tarFd;
  }

  close(): void {
    if (this.#tarFd !== undefined) closeSync(this.#tarFd);
    this.#tarFd = undefined;
  }

  #numberOf(entry: Entry, index: LayerIndex): number {
    this.#numbers ??= fileNumbers(index.entries);
    const number = this.#numbers.get(entry.path);
    if (number === undefined) throw new RangeError(`${entry.path} is no file of layer ${this.id}`);
    return number;
  }
}

function fileNumbers(entries: readonly Entry[]): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const [number, { kind, path }] of entries.entries()) if (kind === "file") numbers.set(path, number);
  return numbers;
}
