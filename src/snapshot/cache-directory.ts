import { createHash } from "node:crypto";
import { access, mkdir, open, rename, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../host/clock.ts";
import { randomId } from "../host/random.ts";
import { tryLock } from "../syscall/lock.ts";

/** How several steps use one cache directory at the same time (RUN --mount=type=cache,sharing=…). */
export type CacheSharing = "shared" | "private" | "locked";

/** Between two looks at a lock that another process holds: flock(2) can only be waited for by blocking a thread. */
const LOCK_POLL_MS = 50;

/** Copies of one private cache: one for each step that has it at the same time. */
const PRIVATE_COPIES_MAX = 1000;

/** A cache directory in use. Disposing lets others have it; what is in it stays. */
export interface CacheDirectory extends AsyncDisposable {
  readonly path: string;
  /** The open file with the lock: a process that inherits it keeps the directory from others until it ends. */
  readonly lock: number;
}

/** Fills a directory that nobody has used before. */
export type FillDirectory = (path: string) => Promise<void>;

/**
 * Opens the cache directory of `id` below `parent`, for as long as a step runs. It is made, and filled,
 * in one move: a process that is killed meanwhile leaves no half-filled one.
 */
export async function openCacheDirectory(parent: string, request: { readonly id: string; readonly sharing: CacheSharing }, fill: FillDirectory, signal: AbortSignal): Promise<CacheDirectory> {
  const folder = join(parent, createHash("sha256").update(request.id).digest("hex"));
  await mkdir(folder, { recursive: true });
  const { lock, name } = await lockCopy(folder, request.sharing, signal);
  try {
    const path = join(folder, name);
    if (!(await exists(path))) await make(path, fill);
    return { path, lock: lock.fd, [Symbol.asyncDispose]: () => lock.close() };
  } catch (error) {
    await lock.close();
    throw error;
  }
}

async function lockCopy(folder: string, sharing: CacheSharing, signal: AbortSignal): Promise<{ lock: FileHandle; name: string }> {
  const kind = sharing === "shared" ? "shared" : "exclusive";
  for (let copy = 0; ; copy = sharing === "private" ? (copy + 1) % PRIVATE_COPIES_MAX : 0) {
    signal.throwIfAborted();
    const lock = await open(join(folder, `${copy}.lock`), "a");
    if (tryLock(lock.fd, kind)) return { lock: await touched(lock), name: String(copy) };
    await lock.close();
    if (sharing !== "private" || copy === PRIVATE_COPIES_MAX - 1) await sleep(LOCK_POLL_MS, undefined, { signal });
  }
}

/** The time of the lock is that of the last use: what a step writes need not change that of the directory. */
async function touched(lock: FileHandle): Promise<FileHandle> {
  const now = systemClock.now();
  await lock.utimes(now, now);
  return lock;
}

async function make(path: string, fill: FillDirectory): Promise<void> {
  const partial = `${path}.${randomId()}`;
  try {
    await mkdir(partial, { mode: 0o755 });
    await fill(partial);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    // Two steps that share it may both have found it missing: the first one's is as good.
    if (!(await exists(path))) throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(() => true, () => false);
}
