import { closeSync, fstatSync, statSync } from "node:fs";
import { tryLock } from "./lock.ts";
import { openIfThere } from "./open-if-there.ts";

/**
 * What a process uses of a store that several share: a shared lock on a file of each thing, from the first look until this is closed.
 * The kernel gives them back, however the process ends. Whoever takes things away needs the exclusive lock.
 */
export class FileLeases implements Disposable {
  readonly #held = new Map<string, number>();

  /** False where the file is not there, or is just being taken away. `path` may be given another name meanwhile: see `moved`. */
  hold(path: string): boolean {
    const held = this.#held.get(path);
    if (held !== undefined && isSameFile(held, path)) return true;
    this.release(path);
    const fd = openIfThere(path);
    if (fd === undefined) return false;
    // Between the two calls it may have been taken away, and another been put there.
    if (tryLock(fd, "shared") && isSameFile(fd, path)) {
      this.#held.set(path, fd);
      return true;
    }
    closeSync(fd);
    return false;
  }

  /** Tells that what is held under one name is to be found under another. */
  moved(from: string, to: string): void {
    const fd = this.#held.get(from);
    if (fd === undefined) return;
    this.#held.delete(from);
    this.release(to);
    this.#held.set(to, fd);
  }

  release(path: string): void {
    const fd = this.#held.get(path);
    if (fd === undefined) return;
    this.#held.delete(path);
    closeSync(fd);
  }

  /** Of all that is held. */
  paths(): Iterable<string> {
    return this.#held.keys();
  }

  [Symbol.dispose](): void {
    for (const fd of this.#held.values()) closeSync(fd);
    this.#held.clear();
  }
}

/** Does `work` while nobody holds the file; undefined, and nothing done, where somebody does or it is not there. */
export async function unlessHeld<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
  const fd = openIfThere(path);
  if (fd === undefined) return undefined;
  try {
    return tryLock(fd, "exclusive") && isSameFile(fd, path) ? await work() : undefined;
  } finally {
    closeSync(fd);
  }
}

/** Whether somebody holds the file, at this moment. */
export function isHeld(path: string): boolean {
  const fd = openIfThere(path);
  if (fd === undefined) return false;
  try {
    return !tryLock(fd, "exclusive");
  } finally {
    closeSync(fd);
  }
}

/** Whether what is open is what has the name by now. */
export function isSameFile(fd: number, path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
}
