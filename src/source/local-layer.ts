import { createHash } from "node:crypto";
import type { Entry } from "../archive/entry.ts";
import { bytesOfPath } from "../archive/path-bytes.ts";
import type { ByteStream } from "../content/blob-store.ts";
import { partOf } from "../content/bytes.ts";
import type { Digest } from "../content/digest.ts";
import { TimeSlice } from "../content/time-slice.ts";
import { formatOf, objectHash, type ObjectFormat } from "../git/object-id.ts";
import type { LocalDirectory, LocalEntry, LocalSelection } from "../session/session.ts";
import { SessionError } from "../session/session-error.ts";
import type { Layer, LayerId } from "../snapshot/layer.ts";
import { treeDigest } from "../snapshot/tree-digest.ts";
import { Tree } from "../snapshot/tree.ts";

/** Files read at a time: hashing is done on this thread, so more than a few only cost memory. */
const READS_IN_FLIGHT_MAX = 4;
/** Files whose digests are asked for in one question. */
const ASKED_AT_ONCE = 500;
/** Characters. */
const HASHED_AT_ONCE = 64 * 1024;
/** Inspected in one go. */
const INSPECTED_BYTES = 16 * 1024;

/** What names a file's content. */
export interface FileDigests {
  readonly digest: Digest;
  /** Id of the content as a git blob; undefined where nobody asked. */
  readonly blob: string | undefined;
  /** What an inspection said; undefined where nobody asked. */
  readonly inspected: string | undefined;
}

/** Looks at a file's bytes, which are read anyway. Its answer is remembered as long as the file stays as it is. */
export interface FileInspection {
  /** Not longer than some milliseconds for each part. */
  push(part: Uint8Array): void;
  result(): string;
}

/** Digests of files by validator (see LocalEntry). A validator is no identity: it only says that nothing has changed. */
export interface FileDigestCache {
  /** Format of the blob ids that are wanted too: a file is read once for both. Undefined for none. */
  readonly blobFormat: ObjectFormat | undefined;
  /** Looks into a file, by its path; undefined for nobody. */
  readonly inspect: ((path: string) => FileInspection) | undefined;
  /** What is remembered of these, by validator. What was inspected by another rule than is asked for now has no `inspected`. */
  known(validators: readonly string[]): ReadonlyMap<string, FileDigests>;
  set(validator: string, digests: FileDigests): void;
}

export interface LocalLayer {
  /** Reads from the directory itself; what has changed there since throws SessionError "changed". */
  readonly layer: Layer;
  /** Names the selection by its content: see treeDigest. */
  readonly root: Digest;
  /** A regular file's id as a git blob, by its path; undefined where these were not wanted. */
  readonly blob: (path: string) => string | undefined;
  /** What the inspection of a regular file said, by its path; undefined where there was none. */
  readonly inspected: (path: string) => string | undefined;
}

const LENT = "local-";

/** True for files that a client lends, which lie where they are and in no store. */
export function isLent({ id }: Pick<Layer, "id">): boolean {
  return id.startsWith(LENT);
}

/** A selection of a client's directory as a layer. Every file is known by its content; nothing is copied. */
export async function localLayer(directory: LocalDirectory, selection: LocalSelection, digests: FileDigestCache, signal: AbortSignal): Promise<LocalLayer> {
  const found: LocalEntry[] = [];
  for await (const entry of directory.walk(selection, signal)) found.push(entry);
  const regular = found.filter(({ kind }) => kind === "file");
  const hashed = await rememberedDigests(regular, digests, signal);
  const files = regular.filter(({ path }) => !hashed.has(path)).values();
  const work = async (): Promise<void> => {
    // One iterator is shared by all workers: each takes the next file that nobody has taken.
    for (const file of files) {
      // Small files are read by calls that do not wait for anything.
      if (slice.isSpent) await slice.renew(signal);
      hashed.set(file.path, await hashFile(directory, file, digests, signal));
    }
  };
  await Promise.all(Array.from({ length: READS_IN_FLIGHT_MAX }, work));
  const layer = await layerOf(directory, found.map(entryOf), hashed, signal);
  const root = await treeDigest(await Tree.open([layer], signal), ({ stored }) => digestIn(hashed, stored), signal);
  return { layer, root, blob: (path) => hashed.get(path)?.blob, inspected: (path) => (digests.inspect === undefined ? undefined : hashed.get(path)?.inspected) };
}

/** Written out: taking the validator away by a rest pattern costs as much as looking at the file. */
function entryOf({ path, kind, mode, uid, gid, mtimeNs, sizeBytes, linkname, device, xattrs }: LocalEntry): Entry {
  const entry = { path, kind, mode, uid, gid, mtimeNs, sizeBytes };
  if (linkname === undefined && device === undefined && xattrs === undefined) return entry;
  return { ...entry, ...(linkname === undefined ? {} : { linkname }), ...(device === undefined ? {} : { device }), ...(xattrs === undefined ? {} : { xattrs }) };
}

/** By path, of all files that are as they were and of which enough is remembered. */
async function rememberedDigests(files: readonly LocalEntry[], remembered: FileDigestCache, signal: AbortSignal): Promise<Map<string, FileDigests>> {
  const digests = new Map<string, FileDigests>();
  for (let at = 0; at < files.length; at += ASKED_AT_ONCE) {
    if (slice.isSpent) await slice.renew(signal);
    const asked = files.slice(at, at + ASKED_AT_ONCE);
    const known = remembered.known(asked.flatMap(({ validator }) => validator ?? []));
    for (const { path, validator } of asked) {
      const found = validator === undefined ? undefined : known.get(validator);
      if (found !== undefined && isEnough(found, remembered)) digests.set(path, found);
    }
  }
  return digests;
}

async function hashFile(directory: LocalDirectory, file: LocalEntry, remembered: FileDigestCache, signal: AbortSignal): Promise<FileDigests> {
  const hash = createHash("sha256");
  const inspection = remembered.inspect?.(file.path);
  const blobHash = remembered.blobFormat && objectHash(remembered.blobFormat, "blob", file.sizeBytes);
  let sizeBytes = 0;
  for await (const chunk of directory.read(file.path, signal)) {
    hash.update(chunk);
    blobHash?.update(chunk);
    if (inspection !== undefined) await inspectPart(inspection, chunk, signal);
    sizeBytes += chunk.byteLength;
  }
  if (sizeBytes !== file.sizeBytes) throw changed(file.path);
  // digest("hex") is 64 characters of lower-case hex by construction.
  const digests = { digest: `sha256:${hash.digest("hex")}` as Digest, blob: blobHash?.digest("hex"), inspected: inspection?.result() };
  if (file.validator !== undefined) remembered.set(file.validator, digests);
  return digests;
}

/** One for the process: it is its event loop that is shared, by however many files. */
const slice = new TimeSlice();

/** Lets others have their turn within a long part. */
export async function inspectPart(inspection: FileInspection, chunk: Uint8Array, signal: AbortSignal): Promise<void> {
  for (let at = 0; at < chunk.byteLength; at += INSPECTED_BYTES) {
    if (slice.isSpent) await slice.renew(signal);
    inspection.push(chunk.subarray(at, at + INSPECTED_BYTES));
  }
}

function isEnough({ blob, inspected }: FileDigests, { blobFormat, inspect: asked }: Pick<FileDigestCache, "blobFormat" | "inspect">): boolean {
  return (blobFormat === undefined || (blob !== undefined && formatOf(blob) === blobFormat)) && (asked === undefined || inspected !== undefined);
}

async function layerOf(directory: LocalDirectory, entries: readonly Entry[], hashed: ReadonlyMap<string, FileDigests>, signal: AbortSignal): Promise<Layer> {
  return {
    id: await layerId(entries, hashed, signal),
    entries: async () => entries,
    read: (entry, readSignal) => unchanged(directory.read(entry.path, readSignal), entry, digestIn(hashed, entry)),
    readPart: (entry, part, readSignal) => partOf(unchanged(directory.read(entry.path, readSignal), entry, digestIn(hashed, entry)), part),
    contentDigest: async (entry) => digestIn(hashed, entry),
  };
}

function digestIn(hashed: ReadonlyMap<string, FileDigests>, { path }: Entry): Digest {
  const digest = hashed.get(path)?.digest;
  if (digest === undefined) throw new RangeError(`/${path} is no file of this layer`);
  return digest;
}

/** Unlike the root, an id tells layers apart by their times as well: it names what a store may keep under it. */
async function layerId(entries: readonly Entry[], hashed: ReadonlyMap<string, FileDigests>, signal: AbortSignal): Promise<LayerId> {
  const hash = createHash("sha256");
  // Hashing takes what it is given at a price of its own, so not line by line.
  let lines = "";
  for (const entry of entries) {
    const { path, kind, mode, uid, gid, mtimeNs, linkname = "" } = entry;
    lines += `${path}\0${kind}\0${mode} ${uid} ${gid} ${mtimeNs}\0${linkname}\0${hashed.get(path)?.digest ?? ""}\0${describeRest(entry)}\0`;
    if (lines.length < HASHED_AT_ONCE) continue;
    hash.update(bytesOfPath(lines));
    lines = "";
    if (slice.isSpent) await slice.renew(signal);
  }
  hash.update(bytesOfPath(lines));
  // A store takes any text for an id that cannot be another's.
  return `${LENT}${hash.digest("hex")}` as LayerId;
}

/** What hardly any entry has. */
function describeRest({ device, xattrs }: Entry): string {
  if (device === undefined && xattrs === undefined) return "";
  return JSON.stringify([device?.major, device?.minor, Array.from(xattrs ?? [], ([name, value]) => [name, Buffer.from(value).toString("hex")])]);
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
