import type { Digest } from "../content/digest.ts";
import { SizedHash } from "../content/sized-hash.ts";
import { TimeSlice } from "../content/time-slice.ts";
import { formatOf, objectHash, type ObjectFormat } from "../git/object-id.ts";
import type { LocalDirectory, LocalEntry } from "../session/session.ts";
import { SessionError } from "../session/session-error.ts";

/** Files read at a time: hashing is done on this thread, so more than a few only cost memory. */
const READS_IN_FLIGHT_MAX = 4;
/** Files whose digests are asked for in one question. */
const ASKED_AT_ONCE = 500;
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

/** The digests of all regular files among these, by path. What is not remembered is read; `readCount` and `readBytes` say how much that was. */
export async function hashFiles(directory: LocalDirectory, entries: readonly LocalEntry[], digests: FileDigestCache, signal: AbortSignal): Promise<HashedFiles> {
  const regular = entries.filter(({ kind }) => kind === "file");
  const hashed = await rememberedDigests(regular, digests, signal);
  const unknown = regular.filter(({ path }) => !hashed.has(path));
  const files = unknown.values();
  const work = async (): Promise<void> => {
    // One iterator is shared by all workers: each takes the next file that nobody has taken.
    for (const file of files) {
      // Small files are read by calls that do not wait for anything.
      if (slice.isSpent) await slice.renew(signal);
      hashed.set(file.path, await hashFile(directory, file, digests, signal));
    }
  };
  await Promise.all(Array.from({ length: READS_IN_FLIGHT_MAX }, work));
  return { digests: hashed, readCount: unknown.length, readBytes: unknown.reduce((total, { sizeBytes }) => total + sizeBytes, 0) };
}

export interface HashedFiles {
  readonly digests: ReadonlyMap<string, FileDigests>;
  readonly readCount: number;
  readonly readBytes: number;
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
  const sum = new SizedHash(file.sizeBytes);
  const inspection = remembered.inspect?.(file.path);
  const blobHash = remembered.blobFormat && objectHash(remembered.blobFormat, "blob", file.sizeBytes);
  for await (const chunk of directory.read(file.path, signal, "lent")) {
    if (!sum.update(chunk)) throw changed(file.path);
    blobHash?.update(chunk);
    if (inspection !== undefined) await inspectPart(inspection, chunk, signal);
  }
  const digest = sum.digest();
  if (digest === undefined) throw changed(file.path);
  const digests = { digest, blob: blobHash?.digest("hex"), inspected: inspection?.result() };
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

/** Somebody wrote to the directory meanwhile; another try may find it at rest. */
export function changed(path: string): SessionError {
  return new SessionError("changed", `/${path} changed while the build was reading it`);
}
