import { joinPath } from "../archive/entry-path.ts";
import type { CommitEntry } from "./commit-objects.ts";
import type { CommitDirectory } from "./commit-tree.ts";
import type { ChangedFile } from "./converted.ts";
import type { ObjectFormat } from "./object-id.ts";
import { usedPaths, type UsedDirectory, type UsedPlace, type Verdict } from "./used-directory.ts";
import { usedTrees, type UsedTree } from "./used-trees.ts";
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
  readonly #trees: ReadonlyMap<UsedPlace, UsedTree>;

  private constructor(directory: UsedDirectory<V>, trees: ReadonlyMap<UsedPlace, UsedTree>) {
    this.directory = directory;
    this.#trees = trees;
    this.#prefix = directory.place === "" ? "" : `${directory.place}/`;
  }

  static async start<V extends Verdict>(directory: UsedDirectory<V>, format: ObjectFormat, signal: AbortSignal): Promise<DirectoryPass<V>> {
    return new DirectoryPass(directory, await usedTrees(directory.top, { format, blob: (file) => directory.blob(file) }, signal));
  }

  /** How much was used of it. */
  get files(): number {
    return this.filesBelow(this.directory.top);
  }

  /** From the top of the outermost work tree. */
  placed(path: string): string {
    return this.#prefix + path;
  }

  /** Whether this directory has a used file at a path from the top of the outermost work tree. */
  holds(placed: string): boolean {
    if (!placed.startsWith(this.#prefix)) return false;
    let place: UsedPlace | undefined = this.directory.top;
    for (const name of placed.slice(this.#prefix.length).split("/")) place = place?.children?.get(name);
    return place !== undefined && place.children === undefined;
  }

  /** All that was used, from the top of the outermost work tree. */
  *paths(): Generator<string> {
    for (const path of usedPaths(this.directory.top, "")) yield this.placed(path);
  }

  filesBelow(directory: UsedPlace): number {
    return this.#trees.get(directory)?.files ?? 0;
  }

  /** Whether all that was used of a directory is that directory of the commit, and all of it. */
  isWhole(used: UsedPlace, { id }: Pick<CommitDirectory, "id">): boolean {
    return this.#trees.get(used)?.id === id;
  }

  noteChanged({ parent, name, used, entry, directory: { workTree, within } }: Pair, hasOtherMode: boolean): void {
    const changed = this.changed.get(workTree) ?? [];
    changed.push({ path: joinPath(parent, name), used, within: joinPath(within, name), id: entry.id, hasOtherMode });
    this.changed.set(workTree, changed);
  }
}
