import { lstatSync, readdirSync, readlinkSync, type BigIntStats } from "node:fs";
import { join } from "node:path";
import { compareNames, fileSystemPath, pathOfBytes } from "../archive/path-bytes.ts";
import { getXattr, listXattrs } from "../syscall/xattr.ts";
import { isOverlayXattr } from "./privilege.ts";
import { isSameContent, type TreeBefore } from "./same-file.ts";

/** A directory of the host, looked into by paths as in `Entry.path`, symbolic links never followed at the end. */
export class DiskTree implements TreeBefore {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  path(path: string): string | Buffer {
    return fileSystemPath(path === "" ? this.root : join(this.root, path));
  }

  stat(path: string): BigIntStats | undefined {
    return lstatSync(this.path(path), { bigint: true, throwIfNoEntry: false });
  }

  /** In the order of the names' bytes. */
  names(path: string): readonly string[] {
    const names = readdirSync(this.path(path), "utf8");
    // U+FFFD may stand for bytes that are no UTF-8.
    const isExact = names.every((name) => !name.includes("\uFFFD"));
    const exact = isExact ? names : readdirSync(this.path(path), "buffer").map((name) => pathOfBytes(name));
    return exact.sort(compareNames);
  }

  linkTarget(path: string): string {
    return pathOfBytes(readlinkSync(this.path(path), "buffer"));
  }

  xattr(path: string, name: string): Buffer | undefined {
    return getXattr(this.path(path), name);
  }

  async hasContentOf(path: string, after: DiskTree, signal: AbortSignal): Promise<boolean> {
    return await isSameContent([this.path(path), after.path(path)], signal);
  }

  /** All that belong to the file itself: neither overlayfs's notes nor the labels of this machine. Undefined when there are none. */
  xattrs(path: string): ReadonlyMap<string, Uint8Array> | undefined {
    const target = this.path(path);
    const names = listXattrs(target).filter((name) => !isOverlayXattr(name) && name !== "security.selinux");
    if (names.length === 0) return undefined;
    return new Map(names.toSorted(compareNames).map((name) => [name, getXattr(target, name) ?? Buffer.alloc(0)]));
  }
}
