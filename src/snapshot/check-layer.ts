import { createHash } from "node:crypto";
import { createReadStream, existsSync, lstatSync, readFileSync, type Stats } from "node:fs";
import { join } from "node:path";
import { readTar } from "../archive/tar-reader.ts";
import type { Entry } from "../archive/entry.ts";
import { joinPath, parentPath } from "../archive/entry-path.ts";
import { fileSystemPath } from "../archive/path-bytes.ts";
import type { ByteStream } from "../content/blob-store.ts";
import { parseDigest, type DiffId } from "../content/digest.ts";
import { DiskTree } from "./disk-tree.ts";
import { EntryCollector, type CollectedLayer } from "./entry-collector.ts";
import { exportTree } from "./export-tree.ts";
import { exportedEntry } from "./exported-entry.ts";
import { readIndex, summaryOf, type LayerIndex } from "./layer-index.ts";
import { imageLayerId, type LayerId } from "./layer.ts";
import { SparseTail } from "./sparse-tail.ts";
import { LAYER_FILES, StoredLayer } from "./stored-layer.ts";

const READ_SIZE_BYTES = 1024 * 1024;

/** What is wrong with a layer on disk, and why one of its files is not what was written; undefined where all is well. */
export async function layerProblem(id: LayerId, directory: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const index = await readIndex(join(directory, LAYER_FILES.index), signal);
    await using _closing = closing(new StoredLayer(id, directory, index));

    return index.form === "tar" ? await tarProblem({ id, directory, index }, signal) : await directoryProblem({ id, directory, index }, signal);
  } catch (error) {
    signal.throwIfAborted();
    // Whatever cannot be read, or is no index, archive or digest, is the finding.
    return error instanceof Error ? error.message : String(error);
  }
}

interface OpenedLayer {
  readonly id: LayerId;
  readonly directory: string;
  readonly index: LayerIndex;
}

/** An archive says everything again: its digest, its entries, their digests. */
async function tarProblem({ id, directory, index }: OpenedLayer, signal: AbortSignal): Promise<string | undefined> {
  const diffId = storedDiffId(directory);
  const isOfImage = id.startsWith("sha256-");
  const { diffId: found, collected } = await readArchive(join(directory, LAYER_FILES.tar), index, isOfImage ? "archive" : "step", signal);
  if (found !== diffId) return `its archive is ${found}, and should be ${diffId}`;
  if (isOfImage && id !== imageLayerId(diffId)) return `it is ${diffId}`;
  const again = collected.index;
  const entryText = (entry: Entry): string => textOf(isOfImage ? entry : exportedEntry(entry));
  const differing = again.entries.findIndex((entry, i) => {
    const indexed = index.entries[i];
    return indexed === undefined || entryText(indexed) !== entryText(entry) || (entry.kind === "file" && again.offsets[i] !== index.offsets[i]);
  });
  if (differing !== -1 || again.entries.length !== index.entries.length) return `its index says something else than its archive, of ${again.entries[differing]?.path ?? "its entries"}`;
  if (textOf(summaryOf(again)) !== textOf(summaryOf(index))) return "the summary of its index is not that of its archive";
  const layer = new StoredLayer(id, directory, index);
  const wrong = collected.digests.findIndex((sha256, i) => sha256 !== undefined && (layer.digests.get(i) ?? hexOf(sha256)) !== hexOf(sha256));
  if (wrong !== -1) return `the digest that is remembered of ${index.entries[wrong]?.path ?? ""} is not that of its content`;
  if (!existsSync(join(directory, LAYER_FILES.tree))) return undefined;
  return await treeProblem(join(directory, LAYER_FILES.tree), index, { digest: (i) => hexOf(collected.digests[i]) }, signal);
}

/** A tree is checked by what is known of it: the digests of its files, as far as somebody asked for them, and that of the whole. */
async function directoryProblem({ id, directory, index }: OpenedLayer, signal: AbortSignal): Promise<string | undefined> {
  const layer = new StoredLayer(id, directory, index);
  // What a RUN looked at may lie in it too, copied up and not changed: a stranger is none.
  const problem = await entriesProblem(layer.path("tree"), index, { digest: (i) => layer.digests.get(i) }, signal);
  if (problem !== undefined || !existsSync(layer.path("diffId"))) return problem;
  const diffId = storedDiffId(directory);
  let found: DiffId | undefined;
  for await (const _chunk of exportTree(layer, (made) => (found = made), signal, "lent")) signal.throwIfAborted();
  return found === diffId ? undefined : `its tree makes ${String(found)}, and should make ${diffId}`;
}

async function readArchive(path: string, { tarBytes, entries, offsets }: LayerIndex, origin: "archive" | "step", signal: AbortSignal): Promise<{ readonly diffId: DiffId; readonly collected: CollectedLayer }> {
  const whole = createHash("sha256");
  const hasTail = offsets.some((offset, number) => offset >= tarBytes && (entries[number]?.sizeBytes ?? 0) > 0);
  const bytes = async function* (): ByteStream {
    for await (const chunk of createReadStream(path, { ...(hasTail ? { end: tarBytes - 1 } : {}), highWaterMark: READ_SIZE_BYTES, signal }) as AsyncIterable<Buffer>) {
      whole.update(chunk);
      yield chunk;
    }
  };
  const collector = new EntryCollector(origin);
  const tail = new SparseTail();
  for await (const member of readTar(bytes())) {
    const { entry, content, pieces } = member;
    const offsetBytes = tail.place(member);
    if (entry.kind !== "file") {
      collector.add({ entry, offsetBytes, sha256: undefined });
      continue;
    }
    const sum = createHash("sha256");
    // What is used of a sparse file is what stands behind the archive.
    const start = tarBytes - 1 - offsetBytes;
    const used = pieces === undefined || entry.sizeBytes === 0 ? content : (createReadStream(path, { start, end: start + entry.sizeBytes - 1, highWaterMark: READ_SIZE_BYTES, signal }) as AsyncIterable<Buffer>);
    for await (const chunk of used) sum.update(chunk);
    collector.add({ entry, offsetBytes, sha256: sum.digest() });
  }
  const collected = collector.finish("tar", tarBytes);
  // 64 characters of lower-case hex by construction.
  return { diffId: `sha256:${whole.digest("hex")}` as DiffId, collected: { ...collected, index: tail.settled(collected.index) } };
}

interface Known {
  /** Of an entry's content, by its number; undefined where nobody knows. */
  digest(number: number): string | undefined;
}

/** A tree that was unpacked holds what its index names, and nothing else. */
async function treeProblem(tree: string, index: LayerIndex, known: Known, signal: AbortSignal): Promise<string | undefined> {
  const expected = new Set<string>([""]);
  for (const entry of index.entries) for (let path = entry.path; path !== "" && !expected.has(path); path = parentPath(path)) expected.add(path);
  return (await entriesProblem(tree, index, known, signal)) ?? (await strangerIn(new DiskTree(tree), "", expected, signal));
}

/** Modes and owners may be others where we have no privilege. */
async function entriesProblem(tree: string, { entries }: LayerIndex, known: Known, signal: AbortSignal): Promise<string | undefined> {
  for (const [number, entry] of entries.entries()) {
    const problem = await entryProblem(tree, entry, known.digest(number), signal);
    if (problem !== undefined) return `${entry.path}: ${problem}`;
  }
  return undefined;
}

async function entryProblem(tree: string, { kind, path, sizeBytes, linkname }: Entry, digest: string | undefined, signal: AbortSignal): Promise<string | undefined> {
  if (kind === "whiteout" || kind === "opaque") return undefined;
  const place = fileSystemPath(join(tree, path));
  const stat = lstatSync(place, { throwIfNoEntry: false });
  if (stat === undefined) return "is missing in its tree";
  if (kind === "hardlink") return stat.ino === lstatSync(fileSystemPath(join(tree, linkname ?? "")), { throwIfNoEntry: false })?.ino ? undefined : "is no link to what it should be";
  if (!isOfKind(stat, kind)) return `is no ${kind} in its tree`;
  if (kind === "symlink") return new DiskTree(tree).linkTarget(path) === linkname ? undefined : "leads elsewhere in its tree";
  if (kind !== "file") return undefined;
  if (stat.size !== sizeBytes) return `has ${stat.size} bytes in its tree, and should have ${sizeBytes}`;
  if (digest === undefined) return undefined;
  const sum = createHash("sha256");
  for await (const chunk of createReadStream(place, { highWaterMark: READ_SIZE_BYTES, signal }) as AsyncIterable<Buffer>) sum.update(chunk);
  return `sha256:${sum.digest("hex")}` === digest ? undefined : "has another content in its tree";
}

/** Devices and pipes may be files where we have no privilege to make them. */
function isOfKind(stat: Stats, kind: Entry["kind"]): boolean {
  switch (kind) {
    case "file":
      return stat.isFile();
    case "directory":
      return stat.isDirectory();
    case "symlink":
      return stat.isSymbolicLink();
    case "hardlink":
    case "char":
    case "block":
    case "fifo":
    case "whiteout":
    case "opaque":
      return true;
  }
}

async function strangerIn(tree: DiskTree, directory: string, expected: ReadonlySet<string>, signal: AbortSignal): Promise<string | undefined> {
  signal.throwIfAborted();
  for (const name of tree.names(directory)) {
    const path = joinPath(directory, name);
    if (!expected.has(path)) return `${path}: is in its tree, and not in its index`;
    const problem = tree.stat(path)?.isDirectory() === true ? await strangerIn(tree, path, expected, signal) : undefined;
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function storedDiffId(directory: string): DiffId {
  return parseDigest(readFileSync(join(directory, LAYER_FILES.diffId), "latin1")) as string as DiffId;
}

function hexOf(sha256: Buffer | undefined): string | undefined {
  return sha256 === undefined ? undefined : `sha256:${sha256.toString("hex")}`;
}

function textOf(value: object): string {
  return JSON.stringify(value, (_key, member: unknown) => (typeof member === "bigint" ? member.toString() : member instanceof Map ? [...member] : member));
}

function closing(layer: StoredLayer): AsyncDisposable {
  return { [Symbol.asyncDispose]: async () => layer.close() };
}
