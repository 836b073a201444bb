import { createHash, type Hash } from "node:crypto";
import type { Environment } from "../host/environment.ts";
import { findGit } from "./git-command.ts";

/** A file of the work tree whose bytes a build used. Directories are no files to git. */
export interface UsedFile {
  /** Relative to the top of the repository, with `/`. */
  readonly path: string;
  readonly kind: "file" | "symlink";
  /** Permission bits; git knows the owner's right to execute. */
  readonly mode: number;
  /** Hexadecimal id of the content as a git blob: see `gitBlobHash`. Of a link, its target is the content. */
  readonly blob: string;
}

export interface Difference {
  readonly path: string;
  readonly reason: "not in the commit" | "other content" | "other mode" | "missing";
}

/** Whether what was used equals a commit. `differing` counts all, `first` names a few. */
export type CommitCheck =
  | { readonly commit: string; readonly verified: true; readonly files: number }
  | { readonly commit: string; readonly verified: false; readonly files: number; readonly differing: number; readonly first: readonly Difference[]; readonly problem: string | undefined };

export interface CommitClaim {
  /** Top of the work tree. */
  readonly root: string;
  readonly commit: string;
  /** Told of each file of the commit that was not used: true when the build would have used it, had it been there. */
  readonly expects?: (path: string) => boolean;
}

const DIFFERENCES_NAMED = 10;

/**
 * Compares the files that a build used with the tree of a commit. Verified only when there was a file, and each has the
 * content, kind and mode that the commit has; a filter such as git-lfs makes a difference, since the bytes differ.
 */
export async function verifyCommit(claim: CommitClaim, files: AsyncIterable<UsedFile> | Iterable<UsedFile>, env: Environment, signal: AbortSignal): Promise<CommitCheck> {
  const tree = await readTree(claim, env, signal);
  if (typeof tree === "string") return { commit: claim.commit, verified: false, files: 0, differing: 0, first: [], problem: tree };
  const seen = new Set<string>();
  let used = 0;
  let differing = 0;
  const first: Difference[] = [];
  const note = (path: string, reason: Difference["reason"]): void => {
    differing++;
    if (first.length < DIFFERENCES_NAMED) first.push({ path, reason });
  };
  for await (const file of files) {
    signal.throwIfAborted();
    used++;
    const reason = compare(file, tree.get(file.path));
    if (reason !== undefined) note(file.path, reason);
    seen.add(file.path);
  }
  for (const path of tree.keys()) if (!seen.has(path) && claim.expects?.(path) === true) note(path, "missing");
  if (used > 0 && differing === 0) return { commit: claim.commit, verified: true, files: used };
  return { commit: claim.commit, verified: false, files: used, differing, first, problem: used === 0 ? "no file was used" : undefined };
}

/** To be fed with the content; its hexadecimal digest is the blob's id. The commit's length tells the repository's hash. */
export function gitBlobHash(commit: string, sizeBytes: number): Hash {
  return createHash(commit.length === 64 ? "sha256" : "sha1").update(`blob ${sizeBytes}\0`);
}

interface TreeFile {
  readonly mode: string;
  readonly blob: string;
}

function compare(file: UsedFile, committed: TreeFile | undefined): Difference["reason"] | undefined {
  if (committed === undefined) return "not in the commit";
  if (committed.blob !== file.blob) return "other content";
  return committed.mode === gitMode(file) ? undefined : "other mode";
}

function gitMode({ kind, mode }: UsedFile): string {
  if (kind === "symlink") return "120000";
  return (mode & 0o100) === 0 ? "100644" : "100755";
}

/** Files by path, or what kept git from telling. A submodule is a commit of another repository, and none of its files are here. */
async function readTree({ root, commit }: CommitClaim, env: Environment, signal: AbortSignal): Promise<Map<string, TreeFile> | string> {
  const git = findGit(root, env);
  if (git === undefined) return "git was not found in the system";
  const { exitCode, stdout, stderr } = await git.run(["ls-tree", "-r", "-z", "--full-tree", commit, "--"], signal);
  if (exitCode !== 0) return `git ls-tree failed: ${stderr.toString("utf8").trim()}`;
  const tree = new Map<string, TreeFile>();
  for (const entry of stdout.toString("utf8").split("\0")) {
    const match = /^(\d{6}) blob ([0-9a-f]+)\t(.+)$/s.exec(entry);
    if (match !== null) tree.set(match[3] ?? "", { mode: match[1] ?? "", blob: match[2] ?? "" });
  }
  return tree;
}
