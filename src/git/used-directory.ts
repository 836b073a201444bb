import type { Entry } from "../archive/entry.ts";
import type { CommitTree } from "./commit-tree.ts";
import type { UsedContent } from "./converted.ts";

/** Whether a path is used, and whether one below it may be. */
export interface Verdict {
  readonly isSelected: boolean;
  readonly mayContain: boolean;
}

/** Decides path by path, parents before children. Paths are relative to the used directory. */
export interface Selection<V extends Verdict> {
  decide(path: string, parent: V | undefined): V;
}

/** Directory → name in it → file. The second name of a file has the entry of the first. Directories are nothing to git. */
export type UsedFiles = ReadonlyMap<string, ReadonlyMap<string, Entry>>;

/** What a build used of one directory. */
export interface UsedDirectory<V extends Verdict> {
  /** From the top of the work tree, "" for that itself. */
  readonly place: string;
  readonly files: UsedFiles;
  /** Hexadecimal id of a regular file's content as a git blob. */
  blob(file: Entry): string;
  content(file: Entry): Promise<UsedContent>;
  /** What the build would use of the commit's files. */
  selection(tree: CommitTree): Promise<Selection<V>>;
}

export function countOf(files: UsedFiles): number {
  let count = 0;
  for (const names of files.values()) count += names.size;
  return count;
}
