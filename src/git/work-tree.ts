import { realpath } from "node:fs/promises";
import type { Environment } from "../host/environment.ts";
import { findGit, firstLine, type GitCommand } from "./git-command.ts";
import { GitObjectError, openObjectReader, type ObjectReader } from "./object-reader.ts";
import { formatOf, type ObjectFormat } from "./object-id.ts";

/** A work tree with the repository that it belongs to. Disposing ends the git that reads its objects. */
export interface WorkTree extends AsyncDisposable {
  /** Its top, symbolic links resolved. */
  readonly root: string;
  readonly git: GitCommand;
  readonly objects: ObjectReader;
  readonly format: ObjectFormat;
}

export interface WorkTreeClaim {
  /** Top of a work tree, symbolic links resolved. */
  readonly root: string;
  /** Tells the repository's format. */
  readonly commit: string;
  readonly env: Environment;
}

/** Throws GitObjectError "unreadable" where the machine has no git. A repository that git refuses shows when it is read. */
export function openWorkTree({ root, commit, env }: WorkTreeClaim, signal: AbortSignal): WorkTree {
  const git = findGit(root, env);
  if (git === undefined) throw new GitObjectError("unreadable", "git was not found in the system");
  const objects = openObjectReader(git, signal);
  return { root, git, objects, format: formatOf(commit), [Symbol.asyncDispose]: () => objects[Symbol.asyncDispose]() };
}

/** Whether git itself takes `root` for the top of a work tree: an empty directory belongs to the repository around it. */
export async function isWorkTree({ root, env }: WorkTreeClaim, signal: AbortSignal): Promise<boolean> {
  if ((await realPath(root)) !== root) return false;
  const found = await findGit(root, env)?.run(["rev-parse", "--show-toplevel"], signal);
  return found?.exitCode === 0 && (await realPath(firstLine(found.stdout))) === root;
}

async function realPath(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch {
    return undefined; // What cannot be reached is no work tree.
  }
}
