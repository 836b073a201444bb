import { createHash } from "node:crypto";
import type { Entry } from "../archive/entry.ts";
import { bytesOfPath } from "../archive/path-bytes.ts";
import type { ByteStream } from "../content/blob-store.ts";
import { partOf } from "../content/bytes.ts";
import { parseDigest, type Digest } from "../content/digest.ts";
import { SizedHash } from "../content/sized-hash.ts";
import { TimeSlice } from "../content/time-slice.ts";
import { walkText } from "../host/scout-memory.ts";
import type { LocalDirectory, LocalEntry, LocalSelection } from "../session/session.ts";
import { SessionError } from "../session/session-error.ts";
import type { Layer, LayerId } from "../snapshot/layer.ts";
import { treeDigest } from "../snapshot/tree-digest.ts";
import { Tree } from "../snapshot/tree.ts";
import { changed, hashFiles, type FileDigestCache, type FileDigests } from "./local-files.ts";

/** Who asks for some files more often than this will ask for most, and is given all at once. */
const QUESTIONS_MAX = 16;
/** Characters. */
const HASHED_AT_ONCE = 64 * 1024;

/** Digests of files, and what was made of all that a walk found. */
export interface LocalMemory extends FileDigestCache {
  /** Whether there is something to tell of a file that was inspected. */
  tells(inspected: string): boolean;
  /** What was kept of a walk that found exactly this; `walk` is a digest of it. */
  walked(walk: string): string | undefined;
  keepWalked(walk: string, text: string): void;
  /** The digest of the walk that was made where somebody had looked ahead; `sight` names what was seen then. */
  walkAtSight(sight: string): string | undefined;
  keepWalkAtSight(sight: string, walk: string): void;
}

export interface LocalLayer {
  /** Reads from the directory itself; what has changed there since throws SessionError "changed". */
  readonly layer: Layer;
  /** Names the selection by its content: see treeDigest. */
  readonly root: Digest;
  /** Of all regular files, or at least of those named, by path; with their ids as git blobs where these were wanted. */
  readonly digests: (signal: AbortSignal, only?: ReadonlySet<string>) => Promise<ReadonlyMap<string, FileDigests>>;
  /** What the inspection of regular files told, by path: of those of which there is something to tell. */
  readonly told: ReadonlyMap<string, string>;
  /** Of the files that had to be read to know their content. */
  readonly readBytes: number;
}

const LENT = "local-";

/** True for files that a client lends, which lie where they are and in no store. */
export function isLent({ id }: Pick<Layer, "id">): boolean {
  return id.startsWith(LENT);
}

/**
 * A selection of a client's directory as a layer. Every file is known by its content; nothing is copied. Where a walk finds
 * exactly what an earlier one found, validators included, its answer is taken, and no file's digest is even asked for. Where
 * somebody who looked ahead saw exactly what was seen before such a walk, there is no walk until somebody asks for the files.
 */
export async function localLayer(directory: LocalDirectory, selection: LocalSelection, memory: LocalMemory, signal: AbortSignal): Promise<LocalLayer> {
  const sight = await directory.sighting?.(selection, signal);
  const spared = sight === undefined ? undefined : memory.walkAtSight(sight.fingerprint);
  const keptOfSpared = spared === undefined ? undefined : memory.walked(spared);
  if (spared !== undefined && keptOfSpared !== undefined) {
    const walkNow = async (signalNow: AbortSignal): Promise<Found> => unchangedSince(spared, await findAll(directory, selection, signalNow), signalNow);
    return rememberedLayer(directory, { find: once(walkNow), memory }, parseKept(keptOfSpared));
  }
  const all = await findAll(directory, selection, signal);
  const { found, entries } = all;
  const walk = await walkDigest(found, signal);
  if (walk !== undefined && sight !== undefined && sight.walk === all.looked) memory.keepWalkAtSight(sight.fingerprint, walk);
  const kept = walk === undefined ? undefined : memory.walked(walk);
  if (kept !== undefined) return rememberedLayer(directory, { find: async () => all, memory }, parseKept(kept));
  const { digests, readBytes } = await hashFiles(directory, found, memory, signal);
  const id = await layerId(entries, digests, signal);
  const layer = layerOf(directory, { id, entries: async () => entries, digests: async () => digests });
  const root = await treeDigest(await Tree.open([layer], signal), ({ stored }) => digestIn(digests, stored), signal);
  const told = await toldIn(digests, memory, signal);
  if (walk !== undefined) memory.keepWalked(walk, JSON.stringify({ id, root, told: [...told] }));
  return { layer, root, told, readBytes, digests: async () => digests };
}

interface Kept {
  readonly id: LayerId;
  readonly root: Digest;
  readonly told: ReadonlyMap<string, string>;
}

/** What a walk found. */
interface Found {
  readonly found: readonly LocalEntry[];
  readonly entries: readonly Entry[];
  /** Text of what it looked at (`walkText`). */
  readonly looked: string | undefined;
}

async function findAll(directory: LocalDirectory, selection: LocalSelection, signal: AbortSignal): Promise<Found> {
  const found: LocalEntry[] = [];
  let looked: string | undefined;
  for await (const entry of directory.walk(selection, signal, (walked) => void (looked = walkText(walked)))) found.push(entry);
  return { found, entries: await entriesOf(found, signal), looked };
}

async function unchangedSince(walk: string, all: Found, signal: AbortSignal): Promise<Found> {
  if ((await walkDigest(all.found, signal)) !== walk) throw new SessionError("changed", "files changed while the build was reading them");
  return all;
}

/** Who asks again gets the first one's answer, also where that was a failure. */
function once<T>(make: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let made: Promise<T> | undefined;
  return (signal) => (made ??= make(signal));
}

interface Walked {
  readonly find: (signal: AbortSignal) => Promise<Found>;
  readonly memory: LocalMemory;
}

function parseKept(text: string): Kept {
  // Written above.
  const { id, root, told } = JSON.parse(text) as { readonly id: LayerId; readonly root: string; readonly told: ReadonlyArray<readonly [string, string]> };
  return { id, root: parseDigest(root), told: new Map(told) };
}

function rememberedLayer(directory: LocalDirectory, { find, memory }: Walked, { id, root, told }: Kept): LocalLayer {
  const load = async (signal: AbortSignal): Promise<ReadonlyMap<string, FileDigests>> => {
    const { found, entries } = await find(signal);
    const { digests, readCount } = await hashFiles(directory, found, memory, signal);
    // What was read now may have changed since the walk, and the layer has its name already.
    if (readCount > 0 && (await layerId(entries, digests, signal)) !== id) throw new SessionError("changed", "files changed while the build was reading them");
    return digests;
  };
  let loading: Promise<ReadonlyMap<string, FileDigests>> | undefined;
  const findPaths = async (paths: ReadonlySet<string>, signal: AbortSignal): Promise<readonly LocalEntry[]> => {
    const wanted: LocalEntry[] = [];
    for (const entry of (await find(signal)).found) {
      if (slice.isSpent) await slice.renew(signal);
      if (paths.has(entry.path)) wanted.push(entry);
    }
    return wanted;
  };
  let questions = 0;
  const digests: LocalLayer["digests"] = async (signal, only) => {
    if (loading === undefined && only !== undefined && questions < QUESTIONS_MAX) {
      questions += 1;
      const some = await hashFiles(directory, await findPaths(only, signal), memory, signal);
      if (some.readCount === 0) return some.digests;
    }
    return await (loading ??= load(signal));
  };
  return { layer: layerOf(directory, { id, entries: async (signal) => (await find(signal)).entries, digests }), root, told, readBytes: 0, digests };
}

async function toldIn(digests: ReadonlyMap<string, FileDigests>, memory: LocalMemory, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const told = new Map<string, string>();
  if (memory.inspect === undefined) return told;
  for (const [path, { inspected }] of digests) {
    if (slice.isSpent) await slice.renew(signal);
    if (inspected !== undefined && memory.tells(inspected)) told.set(path, inspected);
  }
  return told;
}

async function entriesOf(found: readonly LocalEntry[], signal: AbortSignal): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for (const entry of found) {
    if (slice.isSpent) await slice.renew(signal);
    entries.push(entryOf(entry));
  }
  return entries;
}

/** Of all that the walk said; undefined where a file has no validator. */
async function walkDigest(found: readonly LocalEntry[], signal: AbortSignal): Promise<string | undefined> {
  // Of a file that is too young nothing can be kept.
  if (found.some(({ kind, validator }) => kind === "file" && validator === undefined)) return undefined;
  return await hashLines(found, (entry) => {
    const { path, kind, mode, uid, gid, mtimeNs, sizeBytes, linkname = "", validator = "" } = entry;
    return `${path}\0${kind}\0${mode} ${uid} ${gid} ${mtimeNs} ${sizeBytes}\0${linkname}\0${validator}\0${describeRest(entry)}\0`;
  }, signal);
}

/** Hashing takes what it is given at a price of its own, so not line by line. */
async function hashLines<E>(entries: readonly E[], lineOf: (entry: E) => string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  let lines = "";
  for (const entry of entries) {
    lines += lineOf(entry);
    if (lines.length < HASHED_AT_ONCE) continue;
    hash.update(bytesOfPath(lines));
    lines = "";
    if (slice.isSpent) await slice.renew(signal);
  }
  return hash.update(bytesOfPath(lines)).digest("hex");
}

/** One for the process: it is its event loop that is shared. */
const slice = new TimeSlice();

/** Written out: taking the validator away by a rest pattern costs as much as looking at the file. */
function entryOf({ path, kind, mode, uid, gid, mtimeNs, sizeBytes, linkname, device, xattrs }: LocalEntry): Entry {
  const entry = { path, kind, mode, uid, gid, mtimeNs, sizeBytes };
  if (linkname === undefined && device === undefined && xattrs === undefined) return entry;
  return { ...entry, ...(linkname === undefined ? {} : { linkname }), ...(device === undefined ? {} : { device }), ...(xattrs === undefined ? {} : { xattrs }) };
}

interface NamedEntries {
  readonly id: LayerId;
  readonly entries: (signal: AbortSignal) => Promise<readonly Entry[]>;
  readonly digests: LocalLayer["digests"];
}

function layerOf(directory: LocalDirectory, { id, entries, digests }: NamedEntries): Layer {
  const contentDigest: Layer["contentDigest"] = async (entry, signal) => digestIn(await digests(signal), entry);
  const read = async function* (entry: Entry, signal: AbortSignal): ByteStream {
    yield* unchanged(directory.read(entry.path, signal), entry, await contentDigest(entry, signal));
  };
  const pass: Layer["pass"] = async (entry, signal) => {
    const digest = await contentDigest(entry, signal);
    return { content: unchanged(directory.read(entry.path, signal, "lent"), entry, digest), digest };
  };
  return { id, pass, entries, read, readPart: (entry, part, signal) => partOf(read(entry, signal), part), contentDigest };
}

function digestIn(hashed: ReadonlyMap<string, FileDigests>, { path }: Entry): Digest {
  const digest = hashed.get(path)?.digest;
  if (digest === undefined) throw new RangeError(`/${path} is no file of this layer`);
  return digest;
}

/** Unlike the root, an id tells layers apart by their times as well: it names what a store may keep under it. */
async function layerId(entries: readonly Entry[], hashed: ReadonlyMap<string, FileDigests>, signal: AbortSignal): Promise<LayerId> {
  const digest = await hashLines(entries, (entry) => {
    const { path, kind, mode, uid, gid, mtimeNs, linkname = "" } = entry;
    return `${path}\0${kind}\0${mode} ${uid} ${gid} ${mtimeNs}\0${linkname}\0${hashed.get(path)?.digest ?? ""}\0${describeRest(entry)}\0`;
  }, signal);
  // A store takes any text for an id that cannot be another's.
  return `${LENT}${digest}` as LayerId;
}

/** What hardly any entry has. */
function describeRest({ device, xattrs }: Entry): string {
  if (device === undefined && xattrs === undefined) return "";
  return JSON.stringify([device?.major, device?.minor, Array.from(xattrs ?? [], ([name, value]) => [name, Buffer.from(value).toString("hex")])]);
}

/** Passes a file's bytes on, and throws rather than end on others than were hashed. */
async function* unchanged(bytes: ByteStream, { path, sizeBytes }: Entry, digest: Digest): ByteStream {
  const sum = new SizedHash(sizeBytes);
  for await (const chunk of bytes) {
    if (!sum.update(chunk)) throw changed(path);
    yield chunk;
  }
  if (sum.digest() !== digest) throw changed(path);
}
