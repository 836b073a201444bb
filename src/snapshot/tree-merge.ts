import type { Entry } from "../archive/entry.ts";
import { baseName, joinPath, parentPath } from "../archive/entry-path.ts";
import { TimeSlice } from "../content/time-slice.ts";
import type { Layer } from "./layer.ts";
import { TreeError } from "./tree-error.ts";
import { bareDirectory, Place } from "./tree-place.ts";

/**
 * Lays a layer over a tree (image-spec, layer.md) and returns the new root; the old one stays as it is.
 * Throws TreeError "dangling-hardlink" when a hard link names no file.
 */
export async function mergeLayer(root: Place, layer: Layer, signal: AbortSignal): Promise<Place> {
  const merge = new Merge(root, layer);
  const entries = await layer.entries(signal);
  // What a layer takes away are lower layers' files, never its own, wherever in the layer the markers stand.
  for (const entry of entries) {
    if (entry.kind === "whiteout") merge.hide(entry.path);
    else if (entry.kind === "opaque") merge.empty(entry.path);
  }
  const slice = new TimeSlice();
  for (const entry of entries) {
    if (slice.isSpent) await slice.renew(signal);
    if (entry.kind !== "whiteout" && entry.kind !== "opaque") merge.add(entry);
  }
  for (const entry of (await layer.unsaid?.(signal)) ?? []) merge.touch(entry);
  return merge.root;
}

class Merge {
  root: Place;
  readonly #layer: Layer;
  /** Directories that are ours to change, by path: entries of one directory mostly come in a row. */
  readonly #directories: Map<string, Place> = new Map();

  constructor(root: Place, layer: Layer) {
    this.#layer = layer;
    this.root = root.ownedBy(this);
    this.#directories.set("", this.root);
  }

  /** Unpacking makes the directory of a mark, as of any name. */
  hide(path: string): void {
    const hidden = this.#directory(parentPath(path)).children;
    const place = hidden?.get(baseName(path));
    hidden?.delete(baseName(path));
    if (place !== undefined) this.#forget(path, place);
  }

  empty(path: string): void {
    const { children } = this.#directory(path);
    for (const [name, child] of children ?? []) this.#forget(joinPath(path, name), child);
    children?.clear();
  }

  add(entry: Entry): void {
    if (entry.path === "") {
      this.root = this.root.withEntry(this.#node(entry, entry), this);
      this.#directories.set("", this.root);
      return;
    }
    const directory = this.#directory(parentPath(entry.path));
    const name = baseName(entry.path);
    const before = directory.children?.get(name);
    const place = this.#placeFor(entry, before);
    directory.children?.set(name, place);
    if (place.children !== undefined) this.#directories.set(entry.path, place);
    else if (before !== undefined) this.#forget(entry.path, before);
  }

  /** Nothing where there is no such directory: what a layer does not say holds on its own base alone. */
  touch(entry: Entry): void {
    if (entry.kind === "hardlink" ? this.#isOneWith(entry) : this.#existing(entry.path) !== undefined) this.add(entry);
  }

  /** Whether what lies there is the file that the link was seen to be. */
  #isOneWith({ path, linkname = "", mode, uid, gid, mtimeNs }: Entry): boolean {
    const [found, file] = [this.#lookup(path)?.entry, this.#lookup(linkname)?.entry];
    return found !== undefined && found.kind === file?.kind && found.sizeBytes === file.sizeBytes && found.mode === mode && found.uid === uid && found.gid === gid && found.mtimeNs === mtimeNs;
  }

  #placeFor(entry: Entry, before: Place | undefined): Place {
    if (entry.kind === "directory") {
      // A directory over a directory changes its metadata; over anything else it begins empty.
      const node = this.#node(entry, entry);
      return before?.children === undefined ? new Place(node, entry, this) : before.withEntry(node, this);
    }
    if (entry.kind !== "hardlink") return new Place(this.#node(entry, entry), entry, this);
    const target = this.#lookup(entry.linkname ?? "");
    if (target === undefined || target.children !== undefined) {
      throw new TreeError("dangling-hardlink", `/${entry.path}: hard link to /${entry.linkname ?? ""}, which is no file of the layer`);
    }
    return new Place({ entry: { ...target.entry, path: entry.path }, layer: target.layer, stored: target.stored }, target.identity, this);
  }

  #node(entry: Entry, stored: Entry): { readonly entry: Entry; readonly layer: Layer; readonly stored: Entry } {
    return { entry, layer: this.#layer, stored };
  }

  /** A directory that is ours to change, made on the way where the layer leaves it out. */
  #directory(path: string): Place {
    const known = this.#directories.get(path);
    if (known !== undefined) return known;
    const parent = this.#directory(parentPath(path));
    const name = baseName(path);
    const found = parent.children?.get(name);
    const bare = bareDirectory(path);
    const place = found?.children === undefined ? new Place(this.#node(bare, bare), bare, this) : found.ownedBy(this);
    parent.children?.set(name, place);
    this.#directories.set(path, place);
    return place;
  }

  #existing(path: string): Place | undefined {
    return this.#lookup(path)?.children === undefined ? undefined : this.#directory(path);
  }

  #lookup(path: string): Place | undefined {
    let place: Place | undefined = this.root;
    if (path === "") return place;
    for (const name of path.split("/")) place = place?.children?.get(name);
    return place;
  }

  /** Drops what is known of a directory that is there no more, and of all below: where one is known, its parents are. */
  #forget(path: string, place: Place): void {
    if (place.children === undefined || !this.#directories.delete(path)) return;
    for (const [name, child] of place.children) this.#forget(joinPath(path, name), child);
  }
}
