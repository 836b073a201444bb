import { chmodSync, existsSync, lstatSync } from "node:fs";
import { rm } from "node:fs/promises";
import { joinPath } from "../archive/entry-path.ts";
import { DiskTree } from "./disk-tree.ts";

/** Takes away a directory with all below it, also what its owner, if he is not root, has shut himself out of. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "") || !existsSync(path)) throw error;
    openDirectories(new DiskTree(path), "");
    await rm(path, { recursive: true, force: true });
  }
}

function openDirectories(tree: DiskTree, directory: string): void {
  const path = tree.path(directory);
  if ((lstatSync(path).mode & 0o700) !== 0o700) chmodSync(path, 0o700);
  for (const name of tree.names(directory)) {
    const child = joinPath(directory, name);
    if (tree.stat(child)?.isDirectory() === true) openDirectories(tree, child);
  }
}
