import type { Entry } from "../archive/entry.ts";
import { baseName, joinPath, parentPath } from "../archive/entry-path.ts";
import type { CommitEntry } from "./commit-objects.ts";
import type { CommitDirectory } from "./commit-tree.ts";
import type { ChangedFile } from "./converted.ts";
import type { Selection, UsedDirectory, Verdict } from "./used-directory.ts";
import type { WorkTree } from "./work-tree.ts";

/** A used file beside the commit's entry of its path. */
export interface Pair {
  /** From the used directory. */
  readonly path: string;
  readonly used: Entry;
  readonly entry: CommitEntry;
  /** Of the commit, where the entry stands. */
  readonly directory: CommitDirectory;
}

/** A regular file with other bytes than the commit's blob. */
export interface Changed extends Omit<ChangedFile, "content"> {
  readonly path: string;
  readonly used: Entry;
  readonly hasOtherMode: boolean;
}

/** How far the comparison of one used directory has come. */
export class DirectoryPass<V extends Verdict> {
  readonly directory: UsedDirectory<V>;
  readonly selection: Selection<V>;
  /** To be looked at together, since git is asked about them. */
  readonly changed: Map<WorkTree, Changed[]> = new Map();
  readonly #prefix: string;
  /** How many names of a directory were met in the commit. */
  readonly #met: Map<string, number> = new Map();

  constructor(directory: UsedDirectory<V>, selection: Selection<V>) {
    this.directory = directory;
    this.selection = selection;
    this.#prefix = directory.place === "" ? "" : `${directory.place}/`;
  }

  /** From the top of the outermost work tree. */
  placed(path: string): string {
    return this.#prefix + path;
  }

  /** Whether this directory has a used file at a path from the top of the outermost work tree. */
  holds(placed: string): boolean {
    if (!placed.startsWith(this.#prefix)) return false;
    const path = placed.slice(this.#prefix.length);
    return this.directory.files.get(parentPath(path))?.has(baseName(path)) === true;
  }

  /** To be said of each directory that was compared name by name. */
  noteMet(path: string, names: number): void {
    this.#met.set(path, names);
  }

  isMet(path: string): boolean {
    return this.#met.has(path);
  }

  /** Directories of which not every name was met. */
  *unmet(): Generator<readonly [path: string, names: ReadonlyMap<string, Entry>]> {
    for (const [path, names] of this.directory.files) if ((this.#met.get(path) ?? 0) < names.size) yield [path, names];
  }

  noteChanged({ path, used, entry, directory: { workTree, within } }: Pair, hasOtherMode: boolean): void {
    const changed = this.changed.get(workTree) ?? [];
    changed.push({ path, used, within: joinPath(within, baseName(path)), id: entry.id, hasOtherMode });
    this.changed.set(workTree, changed);
  }
}
