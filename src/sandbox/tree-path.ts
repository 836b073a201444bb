import { lstatSync, readlinkSync } from "node:fs";
import { join } from "node:path/posix";
import { SandboxError } from "./sandbox-error.ts";

/** As the kernel. */
const LINKS_MAX = 40;

/**
 * Where `path` leads when `root` is the root directory: symlinks are followed, and none leads out. What does not
 * exist is taken as written. The tree must be at rest, since a link that changes meanwhile would be believed.
 */
export function resolveInTree(root: string, path: string): string {
  const pending = path.split("/");
  let resolved = "";
  let links = 0;
  for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      resolved = resolved.slice(0, Math.max(0, resolved.lastIndexOf("/")));
      continue;
    }
    const target = linkTarget(join(root, resolved, part));
    if (target === undefined) {
      resolved += `/${part}`;
      continue;
    }
    if (++links > LINKS_MAX) throw new SandboxError("path", `too many levels of symbolic links in ${path}`);
    if (target.startsWith("/")) resolved = "";
    pending.unshift(...target.split("/"));
  }
  return join(root, resolved);
}

/** True when something is there, a dangling symlink included. Below a file, nothing is. */
export function existsInTree(path: string): boolean {
  return tolerantLstat(path) !== undefined;
}

/** Undefined when there is no symlink. */
function linkTarget(path: string): string | undefined {
  const stat = tolerantLstat(path);
  return stat?.isSymbolicLink() === true ? readlinkSync(path) : undefined;
}

function tolerantLstat(path: string): ReturnType<typeof lstatSync> | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
    throw error;
  }
}
