import { chmodSync, lchownSync, linkSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { ArchiveError } from "../archive/archive-error.ts";
import type { Entry } from "../archive/entry.ts";
import { parentPath } from "../archive/entry-path.ts";
import { bytesOfPath, fileSystemPath } from "../archive/path-bytes.ts";
import { SystemCallError } from "../syscall/native-function.ts";
import { makeNode } from "../syscall/node.ts";
import { setTimes } from "../syscall/times.ts";
import { setXattr } from "../syscall/xattr.ts";
import type { Privilege } from "./privilege.ts";
import { entryOfStat } from "./stat-entry.ts";
import { TimeSlice } from "../content/time-slice.ts";
import { bareDirectory, isBare } from "./tree-place.ts";

/** Directories are writable by us until their turn comes: what they will be may shut us out. */
const MODE_MEANWHILE = 0o700;

/**
 * Puts entries on disk below one directory. It never follows a symbolic link there: what is in the
 * way of a directory is replaced by one, as overlayfs would show it.
 */
export class TreeWriter {
  readonly #root: string;
  readonly #privilege: Privilege;
  readonly #isFresh: boolean;
  /** Metadata of directories comes last: writing into them changes their times. Parents stand before their children. */
  readonly #directories: Map<string, Entry> = new Map();
  /** Directories known to be such, and to lie in none but such. */
  readonly #verified: Set<string> = new Set([""]);

  /** `content` says whether `root` is empty, or holds lower layers that are to be written over. */
  constructor(root: string, content: "empty" | "lower-layers", privilege: Privilege) {
    this.#root = root;
    this.#isFresh = content === "empty";
    this.#privilege = privilege;
  }

  /** Where an entry's file is to be made: its way is clear, and nothing lies there. */
  place(entry: Entry): string | Buffer {
    this.#openWay(parentPath(entry.path));
    const path = this.path(entry.path);
    if (!this.#isFresh) {
      rmSync(path, { recursive: true, force: true });
      this.#forget(entry.path);
    }
    return path;
  }

  /** All but a file's content: for a file, `place` was called and the content is there. */
  put(entry: Entry): void {
    switch (entry.kind) {
      case "directory":
        this.#openWay(entry.path);
        // Keeps its place behind its parent.
        this.#directories.set(entry.path, entry);
        return;
      case "file":
        return this.#setMetadata(entry);
      case "hardlink":
        return this.#putHardLink(entry);
      case "symlink":
        symlinkSync(bytesOfPath(entry.linkname ?? ""), this.place(entry));
        return this.#setMetadata(entry);
      case "char":
      case "block":
      case "fifo":
        return this.#putNode(entry, entry.kind);
      case "whiteout":
        return makeNode(this.place(entry), { kind: "char", mode: 0, major: 0, minor: 0 });
      case "opaque":
        this.#openWay(entry.path);
        return setXattr(this.path(entry.path), this.#privilege.opaqueXattr, Buffer.from("y"));
    }
  }

  /** Makes a file a link to another that is like it, and is to be one with it. */
  linkAlike(entry: Entry): void {
    const [found, file] = [entry.path, entry.linkname ?? ""].map((path) => (this.#hasWay(parentPath(path)) ? lstatSync(this.path(path), { bigint: true, throwIfNoEntry: false }) : undefined));
    if (found === undefined || file === undefined || found.mode !== file.mode || found.size !== file.size || found.mtimeNs !== file.mtimeNs) return;
    this.remove(entry.path);
    this.put(entry);
  }

  /** Takes away whatever is there. The directory of what is taken away is made, as that of any name. */
  remove(path: string): void {
    this.#openWay(parentPath(path));
    rmSync(this.path(path), { recursive: true, force: true });
    this.#forget(path);
  }

  /** Takes away all that a directory holds, which is made where there is none. */
  empty(path: string): void {
    this.#openWay(path);
    for (const name of readdirSync(this.path(path), { encoding: "buffer" })) {
      rmSync(Buffer.concat([bytesOfPath(this.#join(path)), Buffer.from("/"), name]), { recursive: true, force: true });
    }
    this.#forgetBelow(path === "" ? "" : `${path}/`);
  }

  /** To be called once, at the end. */
  async finish(signal: AbortSignal): Promise<void> {
    const slice = new TimeSlice();
    for (const entry of [...this.#directories.values()].toReversed()) {
      this.#setMetadata(entry);
      if (slice.isSpent) await slice.renew(signal);
    }
  }

  path(path: string): string | Buffer {
    return fileSystemPath(this.#join(path));
  }

  #join(path: string): string {
    return path === "" ? this.#root : join(this.#root, path);
  }

  #putHardLink(entry: Entry): void {
    const target = entry.linkname ?? "";
    try {
      if (!this.#hasWay(parentPath(target))) throw new ArchiveError("corrupt", `${entry.path}: hard link through something that is no directory, ${target}`);
      linkSync(this.path(target), this.place(entry));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && !(code === "EPERM" && lstatSync(this.path(target)).isDirectory())) throw error;
      throw new ArchiveError("corrupt", `${entry.path}: hard link to ${target}, which is no file of the layer`, { cause: error });
    }
  }

  #putNode(entry: Entry, kind: "char" | "block" | "fifo"): void {
    // A user namespace may not make devices; containers there get theirs from the runtime.
    if (kind !== "fifo" && !this.#privilege.isRoot) return;
    makeNode(this.place(entry), { kind, mode: 0o600, major: entry.device?.major ?? 0, minor: entry.device?.minor ?? 0 });
    this.#setMetadata(entry);
  }

  /** Owner before mode and capabilities, which a change of owner takes away; times last. */
  #setMetadata(entry: Entry): void {
    const path = this.path(entry.path);
    // What root makes in a fresh tree is root's already, as most files are.
    if (this.#privilege.isRoot && !(this.#isFresh && entry.uid === 0 && entry.gid === 0)) lchownSync(path, entry.uid, entry.gid);
    if (entry.kind !== "symlink") chmodSync(path, entry.mode);
    for (const [name, value] of entry.xattrs ?? []) this.#setXattr(entry, name, value);
    if (!isBare(entry)) setTimes(path, entry.mtimeNs);
  }

  #setXattr(entry: Entry, name: string, value: Uint8Array): void {
    // Of users' attributes the kernel has none for other kinds: the tree goes without, as with every other tool.
    if (!this.#privilege.maySet(name) || (name.startsWith("user.") && entry.kind !== "file" && entry.kind !== "directory")) return;
    try {
      setXattr(this.path(entry.path), name, value);
    } catch (error) {
      // The same where a file system has no such attributes.
      if (!(error instanceof SystemCallError) || error.code !== "ENOTSUP") throw error;
    }
  }

  /** Makes sure that `path` and all above it are directories. */
  #openWay(path: string): void {
    if (this.#verified.has(path)) return;
    this.#openWay(parentPath(path));
    const target = this.path(path);
    const stat = this.#isFresh ? undefined : lstatSync(target, { bigint: true, throwIfNoEntry: false });
    if (stat?.isDirectory() === true) {
      // What lower layers say of it holds, also after we have written into it.
      this.#directories.set(path, entryOfStat(path, stat));
      if (!this.#privilege.isRoot) chmodSync(target, MODE_MEANWHILE);
    } else {
      if (stat !== undefined) rmSync(target, { force: true });
      mkdirSync(target, MODE_MEANWHILE);
      this.#directories.set(path, bareDirectory(path));
    }
    this.#verified.add(path);
  }

  /** True where `path` and all above it are directories already. */
  #hasWay(path: string): boolean {
    if (this.#verified.has(path)) return true;
    return this.#hasWay(parentPath(path)) && lstatSync(this.path(path), { throwIfNoEntry: false })?.isDirectory() === true;
  }

  #forget(path: string): void {
    if (!this.#verified.delete(path)) return;
    this.#directories.delete(path);
    this.#forgetBelow(`${path}/`);
  }

  #forgetBelow(prefix: string): void {
    for (const path of this.#verified) if (path !== "" && path.startsWith(prefix)) this.#verified.delete(path);
    for (const path of this.#directories.keys()) if (path !== "" && path.startsWith(prefix)) this.#directories.delete(path);
  }
}
