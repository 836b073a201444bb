import type { BigIntStats } from "node:fs";
import type { Entry } from "../archive/entry.ts";
import { parentPath } from "../archive/entry-path.ts";
import type { DiskTree } from "./disk-tree.ts";
import type { Privilege } from "./privilege.ts";
import { entryOfStat, kindOfStat } from "./stat-entry.ts";

/**
 * Gathers the changes of a tree as entries of a layer, in the form and order of BuildKit's: a
 * directory stands before the first change in it even when it has not changed itself, and the
 * second name of a file is a hard link to the first.
 */
export class ChangeRecorder {
  readonly entries: Entry[] = [];
  hasWhiteouts = false;
  /** Directories with another time than before, and those that they lie in, by path. */
  readonly #touched: Map<string, Entry> = new Map();
  readonly #tree: DiskTree;
  readonly #privilege: Privilege;
  readonly #directories: Set<string> = new Set();
  readonly #firstNames: Map<bigint, string> = new Map();
  /** Names of files that have not changed, which count once another name of them has. */
  readonly #unchangedNames: Map<bigint, string[]> = new Map();
  /** Names of files that were looked at only, and that a step may have linked to. */
  readonly #lookedAt: Array<readonly [entry: Entry, inode: bigint]> = [];

  constructor(tree: DiskTree, privilege: Privilege) {
    this.#tree = tree;
    this.#privilege = privilege;
  }

  gone(path: string): void {
    this.#addParents(path);
    this.hasWhiteouts = true;
    this.entries.push({ path, kind: "whiteout", mode: 0, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: 0 });
  }

  changed(path: string, stat: BigIntStats): void {
    // A socket means nothing without the process behind it.
    if (kindOfStat(stat) === undefined) return;
    const isLinked = !stat.isDirectory() && stat.nlink > 1n;
    const first = isLinked ? this.#firstNames.get(stat.ino) : undefined;
    this.#addParents(path);
    const entry = this.#entryOf(path, stat);
    if (entry.kind === "directory") this.#directories.add(path);
    if (first !== undefined) {
      this.entries.push(hardLink(entry, first));
      return;
    }
    this.entries.push(entry);
    if (!isLinked) return;
    this.#firstNames.set(stat.ino, path);
    for (const other of this.#unchangedNames.get(stat.ino) ?? []) this.entries.push(hardLink({ ...entry, path: other }, path));
    this.#unchangedNames.delete(stat.ino);
  }

  /** A directory that counts as unchanged, and of which only its time and attributes differ. */
  touched(path: string, stat: BigIntStats): void {
    const parent = parentPath(path);
    const above = parent === "" || this.#touched.has(parent) ? undefined : this.#tree.stat(parent);
    if (above !== undefined) this.touched(parent, above);
    this.#touched.set(path, this.#entryOf(path, stat));
  }

  /** A file that counts as unchanged, though it may have got another name. */
  lookedAt(path: string, stat: BigIntStats): void {
    if (!stat.isDirectory() && stat.nlink > 1n) this.#lookedAt.push([this.#ownedInside(path, stat), stat.ino]);
  }

  /** Directories of which no change in them tells, and files that are one with another. Like all that a layer holds, they stand after what they lie in. */
  get unsaid(): readonly Entry[] {
    const directories = [...this.#touched.values()].filter(({ path }) => !this.#directories.has(path));
    const links = this.#lookedAt.flatMap(([entry, inode]) => {
      const first = this.#firstNames.get(inode);
      return first === undefined ? [] : [hardLink(entry, first)];
    });
    return [...directories, ...links];
  }

  unchanged(path: string, stat: BigIntStats): void {
    if (stat.isDirectory() || stat.nlink <= 1n) return;
    if (this.#firstNames.has(stat.ino)) this.changed(path, stat);
    else this.#unchangedNames.set(stat.ino, [...this.#unchangedNames.get(stat.ino) ?? [], path]);
  }

  #addParents(path: string): void {
    const parent = parentPath(path);
    if (parent === "" || this.#directories.has(parent)) return;
    this.#directories.add(parent);
    const stat = this.#tree.stat(parent);
    if (stat !== undefined) this.changed(parent, stat);
  }

  #ownedInside(path: string, stat: BigIntStats): Entry {
    const entry = entryOfStat(path, stat);
    return { ...entry, uid: this.#privilege.userInside(entry.uid), gid: this.#privilege.groupInside(entry.gid) };
  }

  #entryOf(path: string, stat: BigIntStats): Entry {
    const entry = this.#ownedInside(path, stat);
    const xattrs = this.#tree.xattrs(path);
    return {
      ...entry,
      ...(entry.kind === "symlink" ? { linkname: this.#tree.linkTarget(path) } : {}),
      ...(xattrs === undefined ? {} : { xattrs }),
    };
  }
}

function hardLink(entry: Entry, linkname: string): Entry {
  const { device: _device, ...rest } = entry;
  return { ...rest, kind: "hardlink", sizeBytes: 0, linkname };
}
