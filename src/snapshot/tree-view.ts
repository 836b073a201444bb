import { posix } from "node:path";
import { joinPath } from "../archive/entry-path.ts";
import { compareNames } from "../archive/path-bytes.ts";
import type { TreeNode } from "./tree-node.ts";
import { TreeError } from "./tree-error.ts";
import type { Place } from "./tree-place.ts";

/** Symbolic links on the way to one path, as BuildKit counts them. */
const LINKS_MAX = 255;

/** Paths of trees are as in `Entry.path`: no slash at either end, and "" is the root. */
export abstract class TreeView {
  /** The places themselves, for what changes trees and what compares them. */
  abstract readonly root: Place;

  /** What lies at a path, without following any link. */
  lookup(path: string): TreeNode | undefined {
    return this.place(path);
  }

  /** The nodes of a directory in the order of their names' bytes; empty for all else. */
  children(path: string): readonly TreeNode[] {
    return sortedChildren(this.place(path)).map(([, child]) => child);
  }

  /** The node at `path` and all below it, parents first, names in the order of their bytes. */
  *walk(path: string): IterableIterator<TreeNode> {
    const place = this.place(path);
    if (place !== undefined) yield* walkPlace(place);
  }

  /** Equal for the names of one file, so that hard links can be told from copies. */
  identity(path: string): object | undefined {
    return this.place(path)?.identity;
  }

  /**
   * Where `path` leads, symbolic links resolved as if the tree were the whole file system: an
   * absolute target starts at the root, and nothing leads out of it. What does not exist is kept
   * as it is written. `last` says whether a link at the end is followed too. `path` may be written
   * in any way (`/a/../b/`). With `root`, that directory is taken for the root, as after chroot(2).
   * Throws TreeError where a file is used as a directory, and for cycles.
   */
  resolve(path: string, last: "follow" | "keep", root: string = ""): string {
    let pending = componentsOf(path);
    for (let links = 0; links <= LINKS_MAX; links += 1) {
      const link = this.#firstLink(pending, last, root);
      if (link === undefined) return [root, ...pending].filter((part) => part !== "").join("/");
      const directory = pending.slice(0, link.depth).join("/");
      const target = link.target.startsWith("/") ? link.target : `${directory}/${link.target}`;
      pending = [...componentsOf(target), ...pending.slice(link.depth + 1)];
    }
    throw new TreeError("too-many-links", "too many links");
  }

  /** The first symbolic link on a way from the root, with how many components lead to it. */
  #firstLink(components: readonly string[], last: "follow" | "keep", root: string): { readonly depth: number; readonly target: string } | undefined {
    let place = this.place(root);
    for (const [depth, name] of components.entries()) {
      if (place === undefined) return undefined;
      if (place.children === undefined) throw new TreeError("not-a-directory", `lstat /${components.slice(0, depth + 1).join("/")}: not a directory`);
      const next = place.children.get(name);
      if (next === undefined) return undefined;
      const isLast = depth === components.length - 1;
      if (next.entry.kind === "symlink" && !(isLast && last === "keep")) return { depth, target: next.entry.linkname ?? "" };
      place = next;
    }
    return undefined;
  }

  protected place(path: string): Place | undefined {
    let place: Place | undefined = this.root;
    if (path === "") return place;
    for (const name of path.split("/")) {
      place = place?.children?.get(name);
      if (place === undefined) return undefined;
    }
    return place;
  }
}

/** The components of a path however it is written, taken as absolute. */
export function componentsOf(path: string): readonly string[] {
  return posix.resolve("/", path).split("/").filter((name) => name !== "");
}

export function sortedChildren(place: Place | undefined): ReadonlyArray<readonly [name: string, child: Place]> {
  if (place?.children === undefined) return [];
  return Array.from(place.children).sort(([a], [b]) => compareNames(a, b));
}

function* walkPlace(place: Place): IterableIterator<Place> {
  yield place;
  for (const [, child] of sortedChildren(place)) {
    if (child.children === undefined) yield child;
    else yield* walkPlace(child);
  }
}

/** The path of a child, from the entry of its directory. */
export function childPath(directory: Place, name: string): string {
  return joinPath(directory.entry.path, name);
}
