import { createHash } from "node:crypto";
import type { Entry } from "../archive/entry.ts";
import type { ByteStream } from "../content/blob-store.ts";
import { partOf } from "../content/bytes.ts";
import type { Digest } from "../content/digest.ts";
import { formatOf, objectHash, type ObjectFormat } from "../git/object-id.ts";
import type { LocalDirectory, LocalEntry, LocalSelection } from "../session/session.ts";
import { SessionError } from "../session/session-error.ts";
import type { Layer, LayerId } from "../snapshot/layer.ts";
import { treeDigest } from "../snapshot/tree-digest.ts";
import { Tree } from "../snapshot/tree.ts";

/** Files read at a time: hashing is done on this thread, so more than a few only cost memory. */
const READS_IN_FLIGHT_MAX = 4;

/** What names a file's content. */
export interface FileDigests {
  readonly digest: Digest;
  /** Id of the content as a git blob; undefined where nobody asked. */
  readonly blob: string | undefined;
}

/** Digests of files by validator (see LocalEntry). A validator is no identity: it only says that nothing has changed. */
export interface FileDigestCache {
  /** Format of the blob ids that are wanted too: a file is read once for both. Undefined for none. */
  readonly blobFormat: ObjectFormat | undefined;
  get(validator: string): FileDigests | undefined;
  set(validator: string, digests: FileDigests): void;
}

export interface LocalLayer {
  /** Reads from the directory itself; what has changed there since throws SessionError "changed". */
  readonly layer: Layer;
  /** Names the selection by its content: see treeDigest. */
  readonly root: Digest;
  /** A regular file's id as a git blob, by its path; undefined where these were not wanted. */
  readonly blob: (path: string) => string | undefined;
}

/** A selection of a client's directory as a layer. Every file is known by its content; nothing is copied. */
export async function localLayer(directory: LocalDirectory, selection: LocalSelection, digests: FileDigestCache, signal: AbortSignal): Promise<LocalLayer> {
  const found: LocalEntry[] = [];
  for await (const entry of directory.walk(selection, signal)) found.push(entry);
  const hashed = new Map<string, FileDigests>();
  const files = found.filter(({ kind }) => kind === "file").values();
  const work = async (): Promise<void> => {
    // One iterator is shared by all workers: each takes the next file that nobody has taken.
    for (const file of files) hashed.set(file.path, await fileDigests(directory, file, digests, signal));
  };
  await Promise.all(Array.from({ length: READS_IN_FLIGHT_MAX }, work));
  const layer = layerOf(directory, found.map(entryOf), hashed);
  return { layer, root: await treeDigest(await Tree.open([layer], signal), signal), blob: (path) => hashed.get(path)?.blob };
}

function entryOf({ validator: _validator, ...entry }: LocalEntry): Entry {
  return entry;
}

async function fileDigests(directory: LocalDirectory, file: LocalEntry, remembered: FileDigestCache, signal: AbortSignal): Promise<FileDigests> {
  const known = file.validator === undefined ? undefined : remembered.get(file.validator);
  if (known !== undefined && isEnough(known, remembered.blobFormat)) return known;
  const hash = createHash("sha256");
  const blobHash = remembered.blobFormat && objectHash(remembered.blobFormat, "blob", file.sizeBytes);
  let sizeBytes = 0;
  for await (const chunk of directory.read(file.path, signal)) {
    hash.update(chunk);
    blobHash?.update(chunk);
    sizeBytes += chunk.byteLength;
  }
  if (sizeBytes !== file.sizeBytes) throw changed(file.path);
  // digest("hex") is 64 characters of lower-case hex by construction.
  const digests = { digest: `sha256:${hash.digest("hex")}` as Digest, blob: blobHash?.digest("hex") };
  if (file.validator !== undefined) remembered.set(file.validator, digests);
  return digests;
}

function isEnough({ blob }: FileDigests, wanted: ObjectFormat | undefined): boolean {
  return wanted === undefined || (blob !== undefined && formatOf(blob) === wanted);
}

function layerOf(directory: LocalDirectory, entries: readonly Entry[], hashed: ReadonlyMap<string, FileDigests>): Layer {
  const digestOfEntry = (entry: Entry): Digest => {
    const digest = hashed.get(entry.path)?.digest;
    if (digest === undefined) throw new RangeError(`/${entry.path} is no file of this layer`);
    return digest;
  };
  return {
    id: layerId(entries, hashed),
    entries: async () => entries,
    read: (entry, signal) => unchanged(directory.read(entry.path, signal), entry, digestOfEntry(entry)),
    readPart: (entry, part, signal) => partOf(unchanged(directory.read(entry.path, signal), entry, digestOfEntry(entry)), part),
    contentDigest: async (entry) => digestOfEntry(entry),
  };
}

/** Unlike the root, an id tells layers apart by their times as well: it names what a store may keep under it. */
function layerId(entries: readonly Entry[], hashed: ReadonlyMap<string, FileDigests>): LayerId {
  const hash = createHash("sha256");
  for (const entry of entries) {
    const { path, kind, mode, uid, gid, mtimeNs, linkname, device } = entry;
    const xattrs = Array.from(entry.xattrs ?? [], ([name, value]) => [name, Buffer.from(value).toString("hex")]);
    hash.update(`${JSON.stringify([path, kind, mode, uid, gid, String(mtimeNs), linkname, device?.major, device?.minor, xattrs, hashed.get(path)?.digest])}\n`);
  }
  // A store takes any text for an id that cannot be another's.
  return `local-${hash.digest("hex")}` as LayerId;
}

/** Passes a file's bytes on, and throws rather than end on others than were hashed. */
async function* unchanged(bytes: ByteStream, { path, sizeBytes }: Entry, digest: Digest): ByteStream {
  const hash = createHash("sha256");
  let seenBytes = 0;
  for await (const chunk of bytes) {
    seenBytes += chunk.byteLength;
    if (seenBytes > sizeBytes) throw changed(path);
    hash.update(chunk);
    yield chunk;
  }
  if (seenBytes < sizeBytes || `sha256:${hash.digest("hex")}` !== digest) throw changed(path);
}

function changed(path: string): SessionError {
  return new SessionError("changed", `/${path} changed while the build was reading it`);
}
