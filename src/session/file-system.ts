import { lstatSync, readdirSync, readlinkSync, type BigIntStats } from "node:fs";
import { parentPath } from "../archive/entry-path.ts";
import { compareNames, fileSystemPath, pathOfBytes } from "../archive/path-bytes.ts";
import { SessionError, systemReason } from "./session-error.ts";

export interface NamedKind {
  readonly name: string;
  readonly isDirectory: boolean;
}

/**
 * One directory on disk, looked at by synchronous calls: they are several times faster than promises, and callers
 * let others run between slices. Paths are relative, as in `Entry.path`, names that are no UTF-8 included.
 */
export class FileSystem {
  readonly root: string;
  /** Directories that were listed, or in which a link was looked for, since they were taken last. */
  #looked: Set<string> = new Set();

  constructor(root: string) {
    this.root = root;
  }

  /** What node:fs must be given for a path below the root. */
  absolute(path: string): string | Buffer {
    return fileSystemPath(this.text(path));
  }

  /** The same for messages and comparisons. */
  text(path: string): string {
    return path === "" ? this.root : `${this.root === "/" ? "" : this.root}/${path}`;
  }

  /** The other way round; undefined for what does not lie below the root. */
  pathOf(text: string): string | undefined {
    const above = this.root === "/" ? "/" : `${this.root}/`;
    return text.startsWith(above) ? text.slice(above.length) : undefined;
  }

  /** In the order of the names' bytes; undefined when there is no such directory. Throws SessionError "unreadable". */
  list(path: string): readonly NamedKind[] | undefined {
    this.#looked.add(path);
    return this.#unlessAbsent("open", path, () => {
      const entries = readdirSync(this.absolute(path), { withFileTypes: true });
      const names = entries.map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }));
      // What is no UTF-8 came with replacement characters and must be read again as bytes.
      const faithful = names.some(({ name }) => name.includes("\uFFFD")) ? this.#listBytes(path) : names;
      return faithful.sort((a, b) => compareNames(a.name, b.name));
    });
  }

  /** Of the file itself, not of what a link leads to; undefined when there is none. */
  stat(path: string): BigIntStats | undefined {
    return this.#unlessAbsent("lstat", path, () => lstatSync(this.absolute(path), { bigint: true }));
  }

  /** Undefined for what is no symbolic link. */
  linkTarget(path: string): string | undefined {
    this.#looked.add(parentPath(path));
    return this.stat(path)?.isSymbolicLink() === true ? this.readLink(path) : undefined;
  }

  takeLooked(): readonly string[] {
    const looked = [...this.#looked];
    this.#looked = new Set();
    return looked;
  }

  readLink(path: string): string | undefined {
    return this.#unlessAbsent("readlink", path, () => pathOfBytes(readlinkSync(this.absolute(path), { encoding: "buffer" })));
  }

  #listBytes(path: string): NamedKind[] {
    return readdirSync(this.absolute(path), { withFileTypes: true, encoding: "buffer" }).map((entry) => ({
      name: pathOfBytes(entry.name),
      isDirectory: entry.isDirectory(),
    }));
  }

  #unlessAbsent<T>(call: string, path: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      throw new SessionError("unreadable", `${call} ${this.text(path)}: ${systemReason(error)}`, { cause: error });
    }
  }
}
