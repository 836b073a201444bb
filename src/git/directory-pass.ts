import { joinPath } from "../archive/entry-path.ts";
import type { CommitEntry } from "./commit-objects.ts";
import type { CommitDirectory } from "./commit-tree.ts";
import type { ChangedFile } from "./converted.ts";
import type { ObjectFormat } from "./object-id.ts";
import { usedPaths, type UsedDirectory, type UsedPlace, type Verdict } from "./used-directory.ts";
import { usedTrees, type UsedTrees } from "./used-trees.ts";
import type { WorkTree } from "./work-tree.ts";

/** A used file beside the commit's entry of its path. */
export interface Pair {
  /** The directory of both, from the used directory. */
  readonly parent: string;
  readonly name: string;
  readonly used: UsedPlace;
  readonly entry: CommitEntry;
  /** Of the commit, where the entry stands. */
  readonly directory: CommitDirectory;
}

/** A regular file with other bytes than the commit's blob. */
export interface Changed extends Omit<ChangedFile, "content"> {
  readonly path: string;
  readonly used: UsedPlace;
  readonly hasOtherMode: boolean;
}

/** How far the comparison of one used directory has come. */
export class DirectoryPass<V extends Verdict> {
  readonly directory: UsedDirectory<V>;
  /** To be looked at together, since git is asked about them. */
  readonly changed: Map<WorkTree, Changed[]> = new Map();
  readonly #prefix: string;
  readonly #trees: UsedTrees;

  private constructor(directory: UsedDirectory<V>, trees: UsedTrees) {
    this.directory = directory;
    this.#trees = trees;
    this.#prefix = directory.place === "" ? "" : `${directory.place}/`;
  }

  static async start<V extends Verdict>(directory: UsedDirectory<V>, format: ObjectFormat, signal: AbortSignal): Promise<DirectoryPass<V>> {
    if (directory.trees !== undefined) return new DirectoryPass(directory, directory.trees);
    const trees = await usedTrees(await directory.top(), { format, blob: await directory.blobs(undefined) }, signal);
    directory.keepTrees(trees);
    return new DirectoryPass(directory, trees);
  }

  /** How much was used of it. */
  get files(): number {
    return this.filesBelow("");
  }

  /** From the top of the outermost work tree. */
  placed(path: string): string {
    return this.#prefix + path;
  }

  /** Whether this directory has a used file at a path from the top of the outermost work tree. */
  holds(placed: string): boolean {
    return placed.startsWith(this.#prefix) && this.directory.holds(placed.slice(this.#prefix.length));
  }

  /** All that was used, from the top of the outermost work tree. */
  async *paths(): AsyncGenerator<string> {
    for (const path of usedPaths(await this.directory.top(), "")) yield this.placed(path);
  }

  filesBelow(path: string): number {
    return this.#trees.get(path)?.files ?? 0;
  }

  /** Whether all that was used of a directory is that directory of the commit, and all of it. */
  isWhole(path: string, { id }: Pick<CommitDirectory, "id">): boolean {
    return this.#trees.get(path)?.id === id;
  }

  noteChanged({ parent, name, used, entry, directory: { workTree, within } }: Pair, hasOtherMode: boolean): void {
    const changed = this.changed.get(workTree) ?? [];
    changed.push({ path: joinPath(parent, name), used, within: joinPath(within, name), id: entry.id, hasOtherMode });
    this.changed.set(workTree, changed);
  }
}
