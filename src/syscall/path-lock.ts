import { closeSync, constants, openSync, rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { isSameFile } from "./file-leases.ts";
import { tryLock } from "./lock.ts";

const LOOK_MS = 20;

/**
 * Does `work` while nobody else has the lock of this name, of whatever process; waits for it. Its file is there as long as somebody has
 * it. Rejects with `signal.reason`, and with a system's error where there can be no such file.
 */
export async function whileLocked<T>(path: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const fd = await lockedFile(path, signal);
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
    closeSync(fd);
  }
}

async function lockedFile(path: string, signal: AbortSignal): Promise<number> {
  for (;;) {
    signal.throwIfAborted();
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o666);
    // Who had it has taken the file away, and somebody may have made another.
    if (tryLock(fd, "exclusive") && isSameFile(fd, path)) return fd;
    closeSync(fd);
    await delay(LOOK_MS);
  }
}
