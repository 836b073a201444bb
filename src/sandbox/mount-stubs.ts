import { lstatSync, readdirSync, rmdirSync, statSync, unlinkSync } from "node:fs";
import { dirname } from "node:path/posix";
import { setTimes } from "../syscall/times.ts";
import { SandboxError } from "./sandbox-error.ts";
import { existsInTree, resolveInTree } from "./tree-path.ts";

/**
 * What a runtime will have to make in the tree so that something can be mounted at `destinations`: each place that is
 * not there yet, then its parents that are not, up to the root. Paths are below `root`, as this process sees it.
 * Throws SandboxError "path" where a file is in the way.
 */
export function missingMountPoints(root: string, destinations: readonly string[]): readonly string[] {
  const missing: string[] = [];
  for (const destination of destinations) {
    let path = resolveInTree(root, destination);
    while (path !== root && path !== `${root}/` && !existsInTree(path)) {
      missing.push(path);
      path = dirname(path);
      if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === false) throw new SandboxError("path", `there can be no ${destination}: ${path.slice(root.length)} is not a directory`);
    }
  }
  // A parent of two counts at its last place, when both may be gone.
  return [...new Set(missing.toReversed())].toReversed();
}

/**
 * Takes the mount points away again that nobody has put to use: directories that are empty, files of no bytes.
 * The parent's time stays what it was before the removal, as BuildKit leaves it. Returns the paths that this process
 * is not allowed to remove: in a user namespace they can belong to another id.
 */
export function removeMountStubs(paths: readonly string[]): readonly string[] {
  const refused: string[] = [];
  for (const path of paths) {
    try {
      removeStub(path);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (code === "EACCES" || code === "EPERM") refused.push(path);
      // Gone, filled, or no directory any more: what the process did itself stands.
      else if (!["ENOENT", "ENOTDIR", "ENOTEMPTY", "EBUSY"].includes(code)) throw error;
    }
  }
  return refused;
}

function removeStub(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (stat.isDirectory() ? readdirSync(path).length > 0 : stat.size > 0) return;
  const parent = dirname(path);
  const { mtimeNs } = lstatSync(parent, { bigint: true });
  if (stat.isDirectory()) rmdirSync(path);
  else unlinkSync(path);
  setTimes(parent, mtimeNs);
}
