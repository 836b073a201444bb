import { existsSync } from "node:fs";
import { lstat, rename, rm, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { UsageError } from "./usage-error.ts";

/** Asked before the work: nobody wants to hear after an hour that its result has no place. */
export function requirePlace(name: string, path: string | undefined, cwd: string): void {
  if (path === undefined) return;
  const directory = dirname(resolve(cwd, path));
  if (!existsSync(directory)) throw new UsageError(`--${name} ${path}: there is no directory ${directory}: make it, or name another file`);
}

/** The result of an earlier build, which nobody is to take for that of one that fails. */
export async function removeStale(path: string | undefined, cwd: string): Promise<void> {
  if (path === undefined) return;
  const target = resolve(cwd, path);
  const there = await lstat(target).catch(absent);
  if (there?.isDirectory() === true) throw new UsageError(`removing image ID file: remove ${path}: is a directory`);
  // What is no file, such as /dev/stdout, holds no result.
  if (there?.isFile() === true) await rm(target, { force: true });
}

/** Writes a file whole or not at all; what is no file, such as /dev/stdout, is written to as it is. */
export async function writeResultFile(path: string, cwd: string, text: string): Promise<void> {
  const target = resolve(cwd, path);
  const there = await lstat(target).catch(absent);
  if (there !== undefined && !there.isFile()) return await writeFile(target, text);
  const draft = `${target}.${process.pid}.part`;
  try {
    await writeFile(draft, text);
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined;
  throw error;
}
