import { chmodSync, closeSync, constants, fchmodSync, futimesSync, linkSync, lstatSync, lutimesSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { joinPath, parentPath } from "../archive/entry-path.ts";
import type { Entry, EntryKind } from "../archive/entry.ts";
import type { Member } from "../archive/member.ts";
import { bytesOfPath, fileSystemPath, pathOfBytes } from "../archive/path-bytes.ts";
import { makeDirectories } from "../host/make-directories.ts";
import { randomId } from "../host/random.ts";
import { TimeSlice } from "../content/time-slice.ts";
import { writeAll } from "../host/write-all.ts";
import { ExportError } from "./error.ts";
import type { ExportTarget, LocalMode } from "./target.ts";

/** A directory, and what becomes of files there that the result does not name. */
export type LocalPlace = Pick<Extract<ExportTarget, { readonly kind: "local" }>, "path" | "mode">;

/**
 * Writes files into a directory that may hold others already; those of the same name are replaced.
 * They belong to whoever runs this, as BuildKit's client has it. A device cannot be made so, and is refused.
 *
 * Each file appears whole, under its name, once it has been written. A link that is in the way is
 * replaced and never followed: a result cannot write outside the directory.
 */
export async function writeLocalDirectory({ path: directory, mode }: LocalPlace, members: AsyncIterable<Member>, signal: AbortSignal): Promise<void> {
  await makeDirectories(directory, 0o700);
  const slice = new TimeSlice();
  const directories = new Map<string, Entry>();
  const named = new Set<string>();
  for await (const { entry, content } of members) {
    signal.throwIfAborted();
    if (slice.isSpent) await slice.renew(signal);
    refuseSpecial(entry);
    const parent = parentPath(entry.path);
    // What lies in no directory that we made could lie behind a link.
    if (parent !== "" && !directories.has(parent)) throw new ExportError("destination", `/${entry.path}: the result has no directory /${parent}`);
    if (mode === "delete") named.add(entry.path);
    clear(join(directory, entry.path), entry.kind, mode);
    if (entry.kind === "file") await writeFile(directory, entry, content);
    else make(directory, entry);
    if (entry.kind === "directory") directories.set(entry.path, entry);
  }
  if (mode === "delete") await removeOthers(directory, named, signal);
  // Children change their directory's time, and its mode may forbid making them: both come last, deepest first.
  for (const { path, mode, mtimeNs } of [...directories.values()].toReversed()) {
    const target = fileSystemPath(join(directory, path));
    chmodSync(target, mode);
    lutimesSync(target, secondsOf(mtimeNs), secondsOf(mtimeNs));
  }
}

/** Takes away what the result does not name, once all of it is there. A link is taken away, and what it leads to stays. */
async function removeOthers(directory: string, named: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
  const slice = new TimeSlice();
  const pending = [""];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    for (const bytes of readdirSync(fileSystemPath(join(directory, path)), "buffer")) {
      const child = joinPath(path, pathOfBytes(bytes));
      const target = fileSystemPath(join(directory, child));
      if (!named.has(child)) rmSync(target, { recursive: true, force: true });
      else if (lstatSync(target).isDirectory()) pending.push(child);
      if (slice.isSpent) await slice.renew(signal);
    }
  }
}

/** Takes away what is in the way. A directory stays for a directory; a file moves over what is there, once it is whole. */
function clear(path: string, kind: EntryKind, mode: LocalMode): void {
  const there = lstatSync(fileSystemPath(path), { throwIfNoEntry: false });
  if (there === undefined || (there.isDirectory() && kind === "directory")) return;
  if (there.isDirectory() && mode === "delete") return rmSync(fileSystemPath(path), { recursive: true });
  if (there.isDirectory()) throw new ExportError("destination", `${path}: is a directory, and the result has a file of that name; remove it, or choose another dest`);
  if (kind !== "file") rmSync(fileSystemPath(path));
}

/** Throws ExportError ("destination") for what a directory of a user cannot hold. */
export function refuseSpecial({ path, kind }: Entry): void {
  if (kind !== "fifo" && kind !== "char" && kind !== "block") return;
  throw new ExportError("destination", `/${path}: a ${kind === "fifo" ? "named pipe" : "device"} cannot be written into a directory; use --output type=tar`);
}

function make(directory: string, { path, kind, linkname = "", mtimeNs }: Entry): void {
  const target = fileSystemPath(join(directory, path));
  switch (kind) {
    case "directory":
      mkdirSync(target, { recursive: true });
      return;
    case "symlink":
      symlinkSync(bytesOfPath(linkname), target);
      return lutimesSync(target, secondsOf(mtimeNs), secondsOf(mtimeNs));
    case "hardlink":
      return linkSync(fileSystemPath(join(directory, linkname)), target);
    case "char":
    case "block":
    case "fifo":
    case "file":
    case "whiteout":
    case "opaque":
      throw new Error(`${path}: ${kind} is not made here`);
  }
}

async function writeFile(directory: string, { path, mode, mtimeNs }: Entry, content: AsyncIterable<Uint8Array>): Promise<void> {
  const partial = fileSystemPath(join(directory, parentPath(path), `.stemma-${randomId()}`));
  const fd = openSync(partial, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    for await (const chunk of content) writeAll(fd, chunk);
    fchmodSync(fd, mode);
    futimesSync(fd, secondsOf(mtimeNs), secondsOf(mtimeNs));
    renameSync(partial, fileSystemPath(join(directory, path)));
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Node takes seconds; what a float holds of them is exact for whole ones, and to the microsecond else. */
function secondsOf(ns: bigint): number {
  return Number(ns / 1000n) / 1e6;
}
