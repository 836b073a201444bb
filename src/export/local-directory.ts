import { constants } from "node:fs";
import { chmod, link, lstat, lutimes, mkdir, open, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { parentPath } from "../archive/entry-path.ts";
import type { EntryKind } from "../archive/entry.ts";
import type { Member } from "../archive/member.ts";
import { bytesOfPath, fileSystemPath } from "../archive/path-bytes.ts";
import { randomId } from "../host/random.ts";
import { ExportError } from "./error.ts";

/**
 * Writes files into a directory that may hold others already; those of the same name are replaced.
 * They belong to whoever runs this, as BuildKit's client has it. A device cannot be made so, and is refused.
 *
 * Each file appears whole, under its name, once it has been written. A link that is in the way is
 * replaced and never followed: a result cannot write outside the directory.
 */
export async function writeLocalDirectory(directory: string, members: AsyncIterable<Member>, signal: AbortSignal): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const directories = new Map<string, DirectoryEntry>();
  for await (const member of members) {
    signal.throwIfAborted();
    const { path, kind, mode, mtimeNs } = member.entry;
    // What lies in no directory that we made could lie behind a link.
    if (parentPath(path) !== "" && !directories.has(parentPath(path))) throw new ExportError("destination", `/${path}: the result has no directory /${parentPath(path)}`);
    const target = fileSystemPath(join(directory, path));
    await clear(target, kind);
    if (kind === "directory") {
      await mkdir(target, { recursive: true });
      directories.set(path, { target, mode, mtimeNs });
    } else await writeMember(target, member, directory);
  }
  // Children change their directory's time, and its mode may forbid making them: both come last, deepest first.
  for (const { target, mode, mtimeNs } of [...directories.values()].toReversed()) {
    await chmod(target, mode);
    await setTime(target, mtimeNs);
  }
}

interface DirectoryEntry {
  readonly target: string | Buffer;
  readonly mode: number;
  readonly mtimeNs: bigint;
}

async function writeMember(target: string | Buffer, { entry, content }: Member, directory: string): Promise<void> {
  switch (entry.kind) {
    case "file":
      await writeFile(target, join(directory, parentPath(entry.path)), content);
      await chmod(target, entry.mode);
      return await setTime(target, entry.mtimeNs);
    case "symlink":
      await symlink(bytesOfPath(entry.linkname ?? ""), target);
      return await setTime(target, entry.mtimeNs);
    case "hardlink":
      return await link(fileSystemPath(join(directory, entry.linkname ?? "")), target);
    case "char":
    case "block":
    case "fifo":
      throw new ExportError("destination", `/${entry.path}: a ${entry.kind === "fifo" ? "named pipe" : "device"} cannot be written into a directory; use --output type=tar`);
    case "directory":
    case "whiteout":
    case "opaque":
      throw new Error(`${entry.path}: ${entry.kind} is no file of a result`);
  }
}

/** Takes away what is in the way. A directory stays for a directory; a file moves over what is there, once it is whole. */
async function clear(target: string | Buffer, kind: EntryKind): Promise<void> {
  const there = await lstat(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (there === undefined || (there.isDirectory() && kind === "directory")) return;
  if (there.isDirectory()) throw new ExportError("destination", `${target.toString()}: is a directory, and the result has a file of that name; remove it, or choose another dest`);
  if (kind !== "file") await rm(target);
}

async function writeFile(target: string | Buffer, directory: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const partial = fileSystemPath(join(directory, `.stemma-${randomId()}`));
  try {
    await using file = await open(partial, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);

    for await (const chunk of content) await file.writeFile(chunk);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function setTime(path: string | Buffer, mtimeNs: bigint): Promise<void> {
  const seconds = Number(mtimeNs / 1000n) / 1e6;
  await lutimes(path, seconds, seconds);
}
