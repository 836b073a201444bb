import type { Entry, EntryKind } from "../archive/entry.ts";
import { baseName, joinPath, parentPath } from "../archive/entry-path.ts";
import { bareDirectory, isBare, NO_LAYER, Place } from "./tree-place.ts";
import { TreeError } from "./tree-error.ts";
import type { TreeNode } from "./tree-node.ts";
import { TreeView } from "./tree-view.ts";

/** What is said of a new file besides its path and its content. */
export type Attributes = Omit<Entry, "path" | "kind" | "sizeBytes" | "linkname" | "device">;

/** Where the bytes of a new file are. */
export type ContentSource = Pick<TreeNode, "layer" | "stored">;

/**
 * A tree that is being changed, as a file system would be: a name that is made or taken away
 * changes its directory's time. The tree that it was made from stays as it is.
 *
 * Paths must have been resolved: no operation follows a symbolic link. A parent must exist.
 */
export class TreeDraft extends TreeView {
  #root: Place;
  readonly #nowNs: () => bigint;

  constructor(base: TreeView, nowNs: () => bigint) {
    super();
    this.#root = base.root.ownedBy(this);
    this.#nowNs = nowNs;
  }

  override get root(): Place {
    return this.#root;
  }

  makeDirectory(path: string, mode: number): void {
    const entry: Entry = { ...bareDirectory(path), mode, mtimeNs: this.#nowNs() };
    this.#put(path, new Place({ entry, layer: NO_LAYER, stored: entry }, entry, this));
  }

  /** Makes a file, or puts it in the place of another file. */
  writeFile(path: string, attributes: Attributes, content: ContentSource): void {
    const entry: Entry = { ...attributes, path, kind: "file", sizeBytes: content.stored.sizeBytes };
    this.#put(path, new Place({ entry, layer: content.layer, stored: content.stored }, entry, this));
  }

  makeSymlink(path: string, linkname: string, attributes: Attributes): void {
    this.#putSpecial({ ...attributes, path, kind: "symlink", mode: 0o777, sizeBytes: 0, linkname });
  }

  makeSpecial(path: string, kind: Extract<EntryKind, "char" | "block" | "fifo">, attributes: Attributes & Pick<Entry, "device">): void {
    this.#putSpecial({ ...attributes, path, kind, sizeBytes: 0 });
  }

  /** Gives a file a second name. */
  link(existing: string, path: string): void {
    const target = this.place(existing);
    if (target === undefined || target.children !== undefined) throw new TreeError("not-found", `link /${existing} /${path}: no such file or directory`);
    const node = { entry: { ...target.entry, path }, layer: target.layer, stored: target.stored };
    this.#put(path, new Place(node, target.identity, this));
  }

  /** Takes a name away, with all below it. */
  remove(path: string): void {
    const directory = this.#directory(parentPath(path));
    if (directory.children?.delete(baseName(path)) === true) this.#touch(parentPath(path));
  }

  /** Changes what is said of a file under this name; its content, and its directory's time, stay. */
  amend(path: string, change: Partial<Omit<Attributes, "xattrs">> & { readonly xattrs?: ReadonlyMap<string, Uint8Array> | undefined }): void {
    const place = path === "" ? this.#root : this.place(path);
    if (place === undefined) throw new TreeError("not-found", `lstat /${path}: no such file or directory`);
    const { xattrs: before, ...entry } = { ...place.entry, ...change };
    const amended: Entry = before === undefined ? entry : { ...entry, xattrs: before };
    const next = place.withEntry({ entry: amended, layer: place.layer, stored: place.stored }, this);
    if (path === "") this.#root = next;
    else this.#directory(parentPath(path)).children?.set(baseName(path), next);
  }

  #putSpecial(entry: Entry): void {
    this.#put(entry.path, new Place({ entry, layer: NO_LAYER, stored: entry }, entry, this));
  }

  #put(path: string, place: Place): void {
    const directory = this.#directory(parentPath(path));
    const isNew = directory.children?.has(baseName(path)) !== true;
    directory.children?.set(baseName(path), place);
    if (isNew) this.#touch(parentPath(path));
  }

  #touch(path: string): void {
    this.amend(path, { mtimeNs: this.#nowNs() });
  }

  /** The directory at a path as one that is ours to change, and all above it as well. */
  #directory(path: string): Place {
    let place = this.#root;
    let at = "";
    for (const name of path === "" ? [] : path.split("/")) {
      at = joinPath(at, name);
      const next = place.children?.get(name);
      if (next === undefined) throw new TreeError("not-found", `lstat /${at}: no such file or directory`);
      if (next.children === undefined) throw new TreeError("not-a-directory", `lstat /${at}: not a directory`);
      const owned = isBare(next.entry) ? next.withEntry({ entry: { ...next.entry, mtimeNs: this.#nowNs() }, layer: next.layer, stored: next.stored }, this) : next.ownedBy(this);
      if (owned !== next) place.children?.set(name, owned);
      place = owned;
    }
    return place;
  }
}
