import type { Entry } from "../archive/entry.ts";
import { joinPath } from "../archive/entry-path.ts";
import type { CommitTree } from "./commit-tree.ts";
import type { UsedContent } from "./converted.ts";
import type { UsedTrees } from "./used-trees.ts";

/** Whether a path is used, and whether one below it may be. */
export interface Verdict {
  readonly isSelected: boolean;
  readonly mayContain: boolean;
}

/** Decides path by path, parents before children. Paths are relative to the used directory. */
export interface Selection<V extends Verdict> {
  decide(path: string, parent: V | undefined): V;
}

/** Something that was used, or a directory of such. */
export interface UsedPlace {
  /** The second name of a file has the kind and mode of the first: to git it is a file. */
  readonly entry: Entry;
  /** The first name's own. */
  readonly stored: Entry;
  /** By name; undefined for all but directories. */
  readonly children: ReadonlyMap<string, UsedPlace> | undefined;
}

/** Hexadecimal id of a regular file's content as a git blob; undefined where that is not known. */
export type BlobOf = (file: UsedPlace) => string | undefined;

/** What a build used of one directory. */
export interface UsedDirectory<V extends Verdict> {
  /** From the top of the work tree, "" for that itself. */
  readonly place: string;
  /** What was found when the same content was looked at before; undefined where it was not. */
  readonly trees: UsedTrees | undefined;
  /** Told what was found, where it was not known. */
  keepTrees(trees: UsedTrees): void;
  /** All that was used, for who has to look at it. */
  top(): Promise<UsedPlace>;
  /** Whether something that is no directory was used at a path from `place`. */
  holds(path: string): boolean;
  /** Ids of contents as git blobs: of these regular files, or of all. */
  blobs(files: readonly UsedPlace[] | undefined): Promise<BlobOf>;
  content(file: UsedPlace): Promise<UsedContent>;
  /** What the build would use of the commit's files. */
  selection(tree: CommitTree): Promise<Selection<V>>;
}

/** Paths below `place` of all that is no directory: those are nothing to git. */
export function* usedPaths({ children }: UsedPlace, path: string): Generator<string> {
  for (const [name, child] of children ?? []) {
    if (child.children === undefined) yield joinPath(path, name);
    else yield* usedPaths(child, joinPath(path, name));
  }
}

/** Git looks at the owner's right alone. */
export function isExecutable(mode: number): boolean {
  return (mode & 0o100) !== 0;
}
