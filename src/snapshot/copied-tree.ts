import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Entry } from "../archive/entry.ts";
import type { Member } from "../archive/member.ts";
import type { ByteStream } from "../content/blob-store.ts";
import { ChangeRecorder } from "./change-recorder.ts";
import { DiskTree } from "./disk-tree.ts";
import { readRange } from "./file-bytes.ts";
import type { MountedTree } from "./layer-store.ts";
import { unsaidMember, type Layer } from "./layer.ts";
import type { MountMode } from "./overlay-tree.ts";
import type { Privilege } from "./privilege.ts";
import { RememberedTree } from "./remembered-tree.ts";
import type { StoredLayer } from "./stored-layer.ts";
import { compareTrees } from "./tree-compare.ts";
import { TreeWriter } from "./tree-writer.ts";
import { Tree } from "./tree.ts";
import { applyOver } from "./unpack.ts";

export interface CopyParts {
  readonly privilege: Privilege;
  /** Empty, ours. */
  readonly scratch: string;
  readonly layers: readonly StoredLayer[];
}

/** What becomes of a copy at its end. */
export interface CopyEnd {
  readonly write: (members: AsyncIterable<Member>) => Promise<Layer>;
  readonly release: () => Promise<void>;
}

/**
 * A chain of layers written out as one tree, for machines without overlayfs: slow, takes the whole
 * tree's space each time, needs nothing. What was changed is found by comparing.
 */
export class CopiedTree implements MountedTree {
  readonly rootPath: string;
  readonly viewPath: string;
  readonly #parts: CopyParts;
  readonly #end: CopyEnd;
  #before: RememberedTree | undefined;
  #released = false;

  private constructor(parts: CopyParts, end: CopyEnd) {
    this.rootPath = join(parts.scratch, "root");
    this.viewPath = this.rootPath;
    this.#parts = parts;
    this.#end = end;
  }

  static async make(parts: CopyParts, mode: MountMode, end: CopyEnd, signal: AbortSignal): Promise<CopiedTree> {
    const tree = new CopiedTree(parts, end);
    try {
      await tree.#fill(signal);
      if (mode === "writable") tree.#before = await RememberedTree.of(new DiskTree(tree.rootPath), await Tree.open(parts.layers, signal), signal);
    } catch (error) {
      await tree[Symbol.asyncDispose]();
      throw error;
    }
    return tree;
  }

  async commit(signal: AbortSignal): Promise<Layer> {
    const base = this.#before;
    if (base === undefined) throw new Error("only a writable tree can be committed, and only once");
    this.#before = undefined;
    const after = new DiskTree(this.rootPath);
    const recorder = new ChangeRecorder(after, this.#parts.privilege);
    await compareTrees({ base, after, recorder }, { directory: "", hasBase: true }, signal);
    return await this.#end.write(membersOf(recorder, after, signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#end.release();
  }

  async #fill(signal: AbortSignal): Promise<void> {
    mkdirSync(this.rootPath);
    chmodSync(this.rootPath, 0o755);
    for (const [number, layer] of this.#parts.layers.entries()) {
      const writer = new TreeWriter(this.rootPath, number === 0 ? "empty" : "lower-layers", this.#parts.privilege);
      await applyOver(layer, writer, signal);
    }
  }
}

async function* membersOf({ entries, unsaid }: ChangeRecorder, tree: DiskTree, signal: AbortSignal): AsyncIterable<Member> {
  for (const entry of entries) yield { entry, content: contentOf(entry, tree, signal) };
  for (const entry of unsaid) yield unsaidMember(entry);
}

async function* contentOf(entry: Entry, tree: DiskTree, signal: AbortSignal): ByteStream {
  if (entry.kind !== "file" || entry.sizeBytes === 0) return;
  const fd = openSync(tree.path(entry.path), "r");
  try {
    yield* readRange({ fd, offsetBytes: 0, sizeBytes: entry.sizeBytes, name: entry.path }, signal);
  } finally {
    closeSync(fd);
  }
}
