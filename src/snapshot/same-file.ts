import { createReadStream, type BigIntStats } from "node:fs";
import type { DiskTree } from "./disk-tree.ts";

const READ_BYTES = 256 * 1024;
const NS_PER_S = 1_000_000_000n;
const CAPABILITY = "security.capability";

/** A tree as it was before: on disk still, or only remembered. Paths are as in `Entry.path`. */
export interface TreeBefore {
  stat(path: string): BigIntStats | undefined;
  /** In the order of the names' bytes. */
  names(path: string): readonly string[];
  linkTarget(path: string): string | undefined;
  xattr(path: string, name: string): Buffer | undefined;
  /** True when a file of the same size at the same path has the same content. */
  hasContentOf(path: string, after: DiskTree, signal: AbortSignal): Promise<boolean>;
}

/** A file at one path, before and after. */
export interface FilePair {
  readonly path: string;
  readonly before: BigIntStats;
  readonly after: BigIntStats;
}

/**
 * True when BuildKit would see no change: same kind, mode, owner, device and capabilities, and, but
 * for directories, same size and time. Times that are whole seconds on both sides may have been cut
 * off, so that then the content decides.
 */
export async function isSameFile(pair: FilePair, before: TreeBefore, after: DiskTree, signal: AbortSignal): Promise<boolean> {
  const { path, before: a, after: b } = pair;
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.rdev !== b.rdev) return false;
  if (!sameBytes(before.xattr(path, CAPABILITY), after.xattr(path, CAPABILITY))) return false;
  if (a.isDirectory()) return true;
  if (a.size !== b.size || a.mtimeNs !== b.mtimeNs) return false;
  if (a.mtimeNs % NS_PER_S !== 0n) return true;
  if (a.isSymbolicLink()) return before.linkTarget(path) === after.linkTarget(path);
  return a.size === 0n || !a.isFile() || (await before.hasContentOf(path, after, signal));
}

/** Compares two files of the same size. */
export async function isSameContent(paths: readonly [string | Buffer, string | Buffer], signal: AbortSignal): Promise<boolean> {
  const streams = paths.map((path) => createReadStream(path, { highWaterMark: READ_BYTES, signal }));
  const [left, right] = streams.map((stream) => stream.iterator() as AsyncIterator<Buffer>);
  try {
    // Both are files of one size, so that their chunks are cut at the same places.
    for (;;) {
      const [a, b] = await Promise.all([left?.next(), right?.next()]);
      if (a?.done === true || b?.done === true) return a?.done === b?.done;
      if (!sameBytes(a?.value, b?.value)) return false;
    }
  } finally {
    for (const stream of streams) stream.destroy();
  }
}

function sameBytes(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b);
}
