import type { BigIntStats } from "node:fs";
import type { Entry, EntryKind } from "../archive/entry.ts";
import { deviceOf } from "../syscall/node.ts";

const MODE_BITS = 0o7777n;

/** Undefined for sockets, which no archive can hold. */
export function kindOfStat(stat: BigIntStats): EntryKind | undefined {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "directory";
  if (stat.isSymbolicLink()) return "symlink";
  if (stat.isCharacterDevice()) return "char";
  if (stat.isBlockDevice()) return "block";
  return stat.isFIFO() ? "fifo" : undefined;
}

/** What lstat tells of a file; links and extended attributes it does not. */
export function entryOfStat(path: string, stat: BigIntStats): Entry {
  const kind = kindOfStat(stat) ?? "file";
  return {
    path, kind, mode: Number(stat.mode & MODE_BITS), uid: Number(stat.uid), gid: Number(stat.gid), mtimeNs: stat.mtimeNs,
    sizeBytes: kind === "file" ? Number(stat.size) : 0,
    ...(kind === "char" || kind === "block" ? { device: deviceOf(stat.rdev) } : {}),
  };
}

/** The character device 0:0, by which overlayfs says that a name is gone. */
export function isWhiteout(stat: BigIntStats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0n;
}
