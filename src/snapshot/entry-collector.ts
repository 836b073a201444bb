import { ArchiveError } from "../archive/archive-error.ts";
import type { Entry } from "../archive/entry.ts";
import { baseName, joinPath, parentPath } from "../archive/entry-path.ts";
import { ARCHIVE_LIMITS } from "../archive/limits.ts";
import { comparePaths } from "../archive/path-bytes.ts";
import { unpackedTime, xattrsAfterLink } from "../archive/unpacked.ts";
import type { LayerIndex } from "./layer-index.ts";

/** Symbolic links on the way to one entry: as many as Linux follows. */
const LINKS_MAX = 40;

/** Directories that files of the same archive take the place of. No tool writes such archives, and each costs a look at all entries. */
const REPLACED_DIRECTORIES_MAX = 100;

const NONE: ReadonlyMap<string, Uint8Array> = new Map();

/** An entry with what the archive says of its content. */
export interface CollectedEntry {
  readonly entry: Entry;
  readonly offsetBytes: number;
  /** sha256 of the content, of files only; filled in by whoever reads that after it has told of the entry. */
  sha256: Buffer | undefined;
}

export interface CollectedLayer {
  readonly index: LayerIndex;
  /** In the order of the index's entries. */
  readonly digests: ReadonlyArray<Buffer | undefined>;
}

/**
 * Makes of what an archive holds, in whatever order and however often, the entries of a layer:
 * each path once, the last one winning as when unpacked; parents before children; names that lead
 * through a symbolic link of the same layer under the directory that the link means.
 */
export class EntryCollector {
  readonly #isUnpacked: boolean;
  readonly #kept: Array<CollectedEntry | undefined> = [];
  readonly #places: Map<string, number> = new Map();
  readonly #whiteouts: Map<string, number> = new Map();
  readonly #opaque: Map<string, number> = new Map();
  readonly #links: Map<string, string> = new Map();
  /** The files that hard links are to. */
  readonly #linked: Map<string, number> = new Map();
  /** Directories that have children here but, so far, no entry. */
  readonly #implied: Set<string> = new Set();
  #parentsLate = false;
  #replacedDirectories = 0;
  #lastParent = "";

  /** Whether it is an archive of others, of which a tree gets what unpacking it makes; what a step of ours made is so already. */
  constructor(origin: "archive" | "step") {
    this.#isUnpacked = origin === "archive";
  }

  /** False where that changes what was said before, or the entry is not what it says, so that only the end tells what is where. */
  add(collected: CollectedEntry): boolean {
    if (this.isLeftOut(collected.entry)) return true;
    const resolved = this.#resolved(collected.entry);
    const entry = this.#isUnpacked ? withUnpackedTime(resolved) : resolved;
    const item = entry === collected.entry ? collected : { ...collected, entry };
    const isAmended = this.#isUnpacked && entry.kind === "hardlink" && this.#amendLinked(entry);
    const isPlain = item === collected && !isAmended && !this.#isSaidAgain(entry);
    if (entry.path !== "") this.#seeParent(parentPath(entry.path));
    if (entry.kind === "whiteout") this.#mark(this.#whiteouts, item);
    else if (entry.kind === "opaque") {
      this.#seeParent(entry.path);
      this.#mark(this.#opaque, item);
    } else this.#place(item);
    return isPlain && !this.#isBelowWhiteout(entry);
  }

  /** What unpacking makes nothing of: the root is there before, and stays as it is. */
  isLeftOut({ path, kind }: Entry): boolean {
    return this.#isUnpacked && path === "" && kind === "directory";
  }

  finish(form: LayerIndex["form"], tarBytes: number): CollectedLayer {
    this.#settleWhiteouts();
    const kept = this.#parentsLate ? parentsFirst(this.#kept) : this.#kept;
    const [entries, offsets, digests]: [Entry[], number[], Array<Buffer | undefined>] = [[], [], []];
    let contentBytes = 0;
    for (const item of kept) {
      if (item === undefined) continue;
      entries.push(item.entry);
      offsets.push(item.offsetBytes);
      digests.push(item.sha256);
      contentBytes += item.entry.sizeBytes;
    }
    return {
      index: {
        form,
        entries,
        offsets,
        impliesDirectories: this.#implied.size > 0,
        saysRoot: this.#places.has(""),
        hasWhiteouts: this.#whiteouts.size + this.#opaque.size > 0,
        contentBytes,
        tarBytes,
      },
      digests,
    };
  }

  /** Directories may be named again: what was said last holds, of what they themselves are like. */
  #isSaidAgain({ kind, path, linkname }: Entry): boolean {
    const at = this.#places.get(path);
    switch (kind) {
      case "opaque":
        return this.#opaque.has(path) || (at !== undefined && this.#kept[at]?.entry.kind !== "directory");
      case "whiteout":
        return this.#whiteouts.has(path) || at !== undefined || this.#implied.has(path);
      case "directory":
        return at !== undefined && this.#kept[at]?.entry.kind !== "directory";
      case "hardlink":
        // What is not there yet may come.
        return at !== undefined || !this.#places.has(linkname ?? "");
      case "file":
      case "symlink":
      case "char":
      case "block":
      case "fifo":
        return at !== undefined;
    }
  }

  /** What is said of another name is so of the file, of a symbolic link all but the mode. False where that is nothing new. */
  #amendLinked(link: Entry): boolean {
    const target = link.linkname ?? "";
    const at = this.#linked.get(target) ?? this.#places.get(target);
    const item = at === undefined ? undefined : this.#kept[at];
    if (at === undefined || item === undefined) return false;
    this.#linked.set(link.path, at);
    if (isSaidOf(item.entry, link)) return false;
    const { xattrs: _xattrs, ...file } = item.entry;
    const { uid, gid, mtimeNs } = link;
    const xattrs = xattrsAfterLink(item.entry, link);
    const mode = file.kind === "symlink" ? file.mode : link.mode;
    this.#kept[at] = { ...item, entry: { ...file, mode, uid, gid, mtimeNs, ...(xattrs === undefined ? {} : { xattrs }) } };
    return true;
  }

  /** Or is where a whiteout is. */
  #isBelowWhiteout({ kind, path }: Entry): boolean {
    if (this.#whiteouts.size === 0) return false;
    for (let at = kind === "whiteout" ? parentPath(path) : path; at !== ""; at = parentPath(at)) if (this.#whiteouts.has(at)) return true;
    return false;
  }

  #place(item: CollectedEntry): void {
    const { path, kind, linkname } = item.entry;
    // A file that is said to be a link to itself is what it was.
    if (kind === "hardlink" && linkname === path) return;
    const at = this.#places.get(path);
    const before = at === undefined ? undefined : this.#kept[at]?.entry.kind;
    if (at !== undefined && before === "directory" && kind === "directory") {
      this.#kept[at] = item;
      return;
    }
    if (before === "directory") this.#dropBelow(path);
    if (at !== undefined) this.#kept[at] = undefined;
    if (kind === "directory" && this.#implied.delete(path)) this.#parentsLate = true;
    if (kind !== "directory" && this.#implied.has(path)) throw new ArchiveError("corrupt", `${path}: a file where the layer has a directory`);
    if (kind !== "hardlink") this.#linked.delete(path);
    if (kind === "symlink") this.#links.set(path, linkname ?? "");
    else this.#links.delete(path);
    this.#places.set(path, this.#kept.push(item) - 1);
  }

  #mark(marks: Map<string, number>, item: CollectedEntry): void {
    if (!marks.has(item.entry.path)) marks.set(item.entry.path, this.#kept.push(item) - 1);
  }

  /** Walks up until a directory is known. */
  #seeParent(path: string): void {
    if (path === this.#lastParent || path === "") return;
    this.#lastParent = path;
    for (let parent = path; parent !== ""; parent = parentPath(parent)) {
      const at = this.#places.get(parent);
      if (at === undefined) {
        if (this.#implied.has(parent)) return;
        this.#implied.add(parent);
      } else if (this.#kept[at]?.entry.kind === "directory") return;
      else throw new ArchiveError("corrupt", `${parent}: a file of the layer is used as a directory`);
    }
  }

  #dropBelow(path: string): void {
    this.#replacedDirectories += 1;
    if (this.#replacedDirectories > REPLACED_DIRECTORIES_MAX) throw new ArchiveError("too-large", `more than ${REPLACED_DIRECTORIES_MAX} directories that something else replaces, ${path} the last`);
    this.#lastParent = "";
    const below = `${path}/`;
    for (const known of [this.#places, this.#whiteouts, this.#opaque]) {
      for (const [other, at] of known) {
        if (!other.startsWith(below)) continue;
        this.#kept[at] = undefined;
        known.delete(other);
        this.#links.delete(other);
      }
    }
    for (const other of this.#implied) if (other.startsWith(below)) this.#implied.delete(other);
  }

  /** A whiteout hides what is below, never what the same layer puts there (image-spec, layer.md). */
  #settleWhiteouts(): void {
    for (const [path, at] of this.#whiteouts) {
      const place = this.#places.get(path);
      const item = this.#kept[at];
      const isDirectory = this.#implied.has(path) || (place !== undefined && this.#kept[place]?.entry.kind === "directory");
      if (item === undefined || (place === undefined && !isDirectory)) continue;
      this.#kept[at] = undefined;
      this.#whiteouts.delete(path);
      if (isDirectory) this.#mark(this.#opaque, { ...item, entry: { ...item.entry, kind: "opaque" } });
    }
  }

  #resolved(entry: Entry): Entry {
    if (this.#links.size === 0) return entry;
    const path = this.#throughLinks(entry.path);
    const linkname = entry.kind === "hardlink" && entry.linkname !== undefined ? this.#throughLinks(entry.linkname) : entry.linkname;
    if (path === entry.path && linkname === entry.linkname) return entry;
    return { ...entry, path, ...(linkname === undefined ? {} : { linkname }) };
  }

  /** Follows links of this layer in all but the last component, as unpacking would, and never out of the root. */
  #throughLinks(path: string): string {
    let pending = path;
    for (let links = 0; links <= LINKS_MAX; links += 1) {
      const link = this.#firstLink(parentPath(pending));
      if (pending.length > ARCHIVE_LIMITS.pathBytesMax || pending.split("/").length > ARCHIVE_LIMITS.depthMax) break;
      if (link === undefined) return pending;
      const target = this.#links.get(link) ?? "";
      const start = target.startsWith("/") ? "" : parentPath(link);
      pending = joinPath(walk(start, target), pending.slice(link.length + 1));
    }
    throw new ArchiveError("corrupt", `${path}: too many symbolic links, or too long a way through them`);
  }

  #firstLink(directory: string): string | undefined {
    if (directory === "") return undefined;
    for (let slash = directory.indexOf("/"); slash >= 0; slash = directory.indexOf("/", slash + 1)) {
      const prefix = directory.slice(0, slash);
      if (this.#links.has(prefix)) return prefix;
    }
    return this.#links.has(directory) ? directory : undefined;
  }
}

function withUnpackedTime(entry: Entry): Entry {
  const mtimeNs = unpackedTime(entry.mtimeNs);
  return mtimeNs === entry.mtimeNs ? entry : { ...entry, mtimeNs };
}

function isSaidOf(file: Entry, link: Entry): boolean {
  if (file.uid !== link.uid || file.gid !== link.gid || file.mtimeNs !== link.mtimeNs || (file.mode !== link.mode && file.kind !== "symlink")) return false;
  const [before, said] = [file.xattrs ?? NONE, link.xattrs ?? NONE];
  return before.size === said.size && [...said].every(([name, value]) => Buffer.compare(before.get(name) ?? Buffer.alloc(0), value) === 0 && before.has(name));
}

function parentsFirst(items: ReadonlyArray<CollectedEntry | undefined>): readonly CollectedEntry[] {
  const kept = items.filter((item) => item !== undefined);
  const isDirectory = ({ entry }: CollectedEntry): boolean => entry.kind === "directory";
  return [...kept.filter(isDirectory).sort((a, b) => comparePaths(a.entry.path, b.entry.path)), ...kept.filter((item) => !isDirectory(item))];
}

/** `..` at the root stays there, as in every root file system. */
function walk(start: string, target: string): string {
  let path = start;
  for (const name of target.split("/")) {
    if (name === "..") path = parentPath(path);
    else if (name !== "" && name !== ".") path = joinPath(path, baseName(name));
  }
  return path;
}
