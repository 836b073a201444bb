import type { Environment } from "../host/environment.ts";
import { CommitComparison, type Difference } from "./commit-comparison.ts";
import { CommitTree } from "./commit-tree.ts";
import type { ConversionMemory } from "./converted.ts";
import { DirectoryPass } from "./directory-pass.ts";
import { GitObjectError } from "./object-reader.ts";
import type { UsedDirectory, Verdict } from "./used-directory.ts";
import { openWorkTree } from "./work-tree.ts";

/** Whether what was used equals a commit. */
export type CommitCheck =
  /** `converted`: files whose bytes are the commit's only after git's own changes to them (line ends, encoding, keyword, git-lfs) were taken back. */
  | { readonly kind: "equal"; readonly files: number; readonly converted: number }
  /** In the order of the paths; each path once. */
  | { readonly kind: "different"; readonly files: number; readonly converted: number; readonly differences: readonly Difference[] }
  /** Nothing can be said. `problem` is for the user, `cause` for the record. */
  | { readonly kind: "unchecked"; readonly cause: UncheckedCause; readonly problem: string };

export type UncheckedCause = "nothing-used" | "object-missing" | "object-damaged" | "too-large" | "unreadable";

export interface CommitClaim {
  /** Top of the work tree, symbolic links resolved. */
  readonly root: string;
  readonly commit: string;
  readonly env: Environment;
  readonly memory: ConversionMemory;
}

export interface UsedByBuild<V extends Verdict> {
  readonly directories: readonly UsedDirectory<V>[];
  /** Names of files that lie in no place of the work tree: no commit speaks for them. */
  readonly outside: readonly string[];
}

const CAUSES: Readonly<Record<GitObjectError["code"], UncheckedCause>> = { missing: "object-missing", damaged: "object-damaged", "too-large": "too-large", unreadable: "unreadable" };

/**
 * Compares the files that a build used with a commit and the submodules that it records: path, kind, right to execute
 * and content; and looks for files of the commit that the build would have used, had they been there.
 */
export async function verifyCommit<V extends Verdict>(claim: CommitClaim, used: UsedByBuild<V>, signal: AbortSignal): Promise<CommitCheck> {
  try {
    return await compareWithCommit(claim, used, signal);
  } catch (error) {
    if (!(error instanceof GitObjectError)) throw error;
    return { kind: "unchecked", cause: CAUSES[error.code], problem: error.message };
  }
}

async function compareWithCommit<V extends Verdict>(claim: CommitClaim, { directories, outside }: UsedByBuild<V>, signal: AbortSignal): Promise<CommitCheck> {
  await using outermost = openWorkTree(claim, signal);
  await using tree = new CommitTree(claim.commit, { outermost, env: claim.env }, signal);

  const passes: DirectoryPass<V>[] = [];
  for (const directory of directories) passes.push(await DirectoryPass.start(directory, outermost.format, signal));
  const comparison = new CommitComparison(tree, claim.memory, signal);
  // The largest first: the others are looked up in it to count no file twice.
  for (const pass of passes.toSorted((a, b) => b.files - a.files)) await comparison.compare(pass);
  for (const path of outside) comparison.noteOutside(path);
  const { files, converted, differences } = comparison;
  if (differences.length > 0) return { kind: "different", files, converted, differences };
  return files === 0 ? { kind: "unchecked", cause: "nothing-used", problem: "no file was used" } : { kind: "equal", files, converted };
}
