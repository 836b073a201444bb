import { lstat, rename, rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";

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
