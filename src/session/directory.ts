import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, statSync, type BigIntStats } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { EntryKind } from "../archive/entry.ts";
import type { ByteStream, ChunkOwner } from "../content/blob-store.ts";
import { systemClock, type Clock } from "../host/clock.ts";
import type { DirectoryScout, Sighting } from "../host/directory-scout.ts";
import { readAhead } from "../host/read-ahead.ts";
import type { Walked } from "../host/scout-memory.ts";
import { FileSystem } from "./file-system.ts";
import { SelectedPaths } from "./selected-paths.ts";
import { selectionFilter } from "./selection-filter.ts";
import { SessionError, systemReason } from "./session-error.ts";
import type { LocalDirectory, LocalEntry, LocalSelection } from "./session.ts";

/** Entries looked at before other work gets its turn: a few milliseconds. */
const SLICE_ENTRIES = 512;

/** Files up to this size are read by synchronous calls; a pool thread would cost more than the read. */
const SMALL_FILE_BYTES = 128 * 1024;

/** A file written this shortly before we looked could be written again within the same tick of the file system's clock. */
const SETTLED_NS = 2_000_000_000n;

export interface DirectoryOptions {
  /** Absolute paths that are not lent, whatever a selection says: the engine's own state, for one. */
  readonly exclude: readonly string[];
  readonly clock: Clock;
  /** Looks at the same directory already; of no use where it is another's. */
  readonly scout: DirectoryScout | undefined;
  /** Told what each walk to its end looked at, for the next build's scout. */
  readonly onWalked: (root: string, walked: Walked) => void;
}

/**
 * Lends a directory of this machine. What is lent belongs to root, as with BuildKit's clients: who
 * owns a checkout must not change an image. Throws SessionError "not-a-directory".
 */
export function openDirectory(path: string, options: Partial<DirectoryOptions> = {}): LocalDirectory {
  const root = realDirectory(path);
  return new DiskDirectory(new FileSystem(root), {
    exclude: (options.exclude ?? []).map(realPath),
    clock: options.clock ?? systemClock,
    scout: options.scout?.root === root ? options.scout : undefined,
    onWalked: options.onWalked ?? (() => undefined),
  });
}

/** Links on the way resolved, as they are in the directory's own path; a place that does not exist yet stays as it is named. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return path;
    throw error;
  }
}

function realDirectory(path: string): string {
  let real: string;
  try {
    real = realpathSync(path);
  } catch (error) {
    throw new SessionError("not-a-directory", `resolve : lstat ${path}: ${systemReason(error)}`, { cause: error });
  }
  if (!statSync(real).isDirectory()) throw new SessionError("not-a-directory", `stat ${real}: not a directory`);
  return real;
}

class DiskDirectory implements LocalDirectory {
  readonly #files: FileSystem;
  /** Paths in the directory. */
  readonly #excluded: ReadonlySet<string>;
  readonly #clock: Clock;
  readonly #scout: DirectoryScout | undefined;
  readonly #onWalked: DirectoryOptions["onWalked"];
  /** Nobody reads into them just now. */
  readonly #spare: Buffer[] = [];

  constructor(files: FileSystem, options: DirectoryOptions) {
    this.#files = files;
    this.#excluded = new Set(options.exclude.flatMap((path) => files.pathOf(path) ?? []));
    this.#clock = options.clock;
    this.#scout = options.scout;
    this.#onWalked = options.onWalked;
  }

  async sighting(selection: LocalSelection, signal: AbortSignal): Promise<Sighting | undefined> {
    return this.#scout?.selection === JSON.stringify(selection) ? await this.#scout.sighting(signal) : undefined;
  }

  async *walk(selection: LocalSelection, signal: AbortSignal, looked?: (walked: Walked) => void): AsyncIterable<LocalEntry> {
    this.#files.takeLooked();
    const teller = new EntryTeller(this.#files, this.#clock.nowNs() - SETTLED_NS);
    const paths = new SelectedPaths(this.#files, this.#excluded, selectionFilter(this.#files, selection));
    for (;;) {
      // Before the first as well: whoever asks has often worked long to know what to ask for.
      await nextTurn();
      signal.throwIfAborted();
      for (let looks = 0; looks < SLICE_ENTRIES; looks++) {
        if (!paths.look()) {
          const walked = { selection: JSON.stringify(selection), directories: this.#files.takeLooked(), nameCount: paths.nameCount };
          this.#onWalked(this.#files.root, walked);
          looked?.(walked);
          return;
        }
        for (const path of paths.found) {
          const entry = teller.tell(path);
          if (entry !== undefined) yield entry;
        }
      }
    }
  }

  async *read(path: string, signal: AbortSignal, chunks: ChunkOwner = "kept"): ByteStream {
    signal.throwIfAborted();
    const file = this.#open(path);
    if (file === undefined) return;
    try {
      const isLent = chunks === "lent";
      const begun = isLent ? yield* this.#lendBeginning(file) : yield* readIfSmall(file);
      if (begun.isWhole) return;
      for await (const piece of readAhead({ fd: file, offsetBytes: begun.sizeBytes, sizeBytes: Infinity, lent: isLent })) {
        signal.throwIfAborted();
        yield piece;
      }
    } finally {
      closeSync(file);
    }
  }

  /** Of most files that is all. Nothing is asked about the file, and there are no more buffers than files that are read at a time. */
  *#lendBeginning(file: number): Generator<Uint8Array, Beginning> {
    const buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(SMALL_FILE_BYTES + 1);
    try {
      const sizeBytes = readSync(file, buffer, 0, buffer.byteLength, 0);
      if (sizeBytes > 0) yield buffer.subarray(0, sizeBytes);
      return { sizeBytes, isWhole: sizeBytes < buffer.byteLength };
    } finally {
      this.#spare.push(buffer);
    }
  }

  /** Neither a link nor a pipe that somebody put in the file's place is opened. Undefined for a socket, in which there is nothing to read. */
  #open(path: string): number | undefined {
    try {
      return openSync(this.#files.absolute(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENXIO") return undefined;
      throw new SessionError("unreadable", `open ${this.#files.text(path)}: ${systemReason(error)}`, { cause: error });
    }
  }
}

/** Turns paths into entries, and second names of a file into hard links to the first. */
class EntryTeller {
  readonly #files: FileSystem;
  /** Times before this are old enough to tell that nothing has changed since. */
  readonly #settledNs: bigint;
  readonly #names: Map<string, string> = new Map();

  constructor(files: FileSystem, settledNs: bigint) {
    this.#files = files;
    this.#settledNs = settledNs;
  }

  /** Undefined for what is not there any more. */
  tell(path: string): LocalEntry | undefined {
    const stats = this.#files.stat(path);
    if (stats === undefined) return undefined;
    const [all, { mtimeNs }] = [Number(stats.mode), stats];
    const [kind, mode] = [KINDS.get(all & constants.S_IFMT), all & 0o7777];
    if (kind === undefined) return undefined;
    const first = kind === "directory" || kind === "symlink" ? undefined : this.#firstName(stats, path);
    // Nearly all entries are files, and spreading costs more than writing out.
    if (kind === "file" && first === undefined) return { path, kind, mode, uid: 0, gid: 0, mtimeNs, sizeBytes: Number(stats.size), validator: this.#validator(stats) };
    const base = { path, mode, uid: 0, gid: 0, mtimeNs, sizeBytes: 0, validator: undefined };
    if (first !== undefined) return { ...base, kind: "hardlink", linkname: first };
    if (kind === "char" || kind === "block") return { ...base, kind, device: deviceOf(stats.rdev) };
    if (kind !== "symlink") return { ...base, kind };
    const linkname = this.#files.readLink(path);
    return linkname === undefined ? undefined : { ...base, kind, mode: 0o777, linkname };
  }

  #firstName(stats: BigIntStats, path: string): string | undefined {
    if (stats.nlink < 2n) return undefined;
    const key = `${stats.dev}:${stats.ino}`;
    const first = this.#names.get(key);
    if (first === undefined) this.#names.set(key, path);
    return first;
  }

  #validator({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string | undefined {
    return mtimeNs < this.#settledNs && ctimeNs < this.#settledNs ? `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}` : undefined;
  }
}

type PlainKind = Exclude<EntryKind, "hardlink" | "whiteout" | "opaque">;

const KINDS: ReadonlyMap<number, PlainKind> = new Map([
  [constants.S_IFREG, "file"],
  [constants.S_IFDIR, "directory"],
  [constants.S_IFLNK, "symlink"],
  [constants.S_IFCHR, "char"],
  [constants.S_IFBLK, "block"],
  [constants.S_IFIFO, "fifo"],
  // As BuildKit's clients do: who listens cannot be lent, but the name is there.
  [constants.S_IFSOCK, "file"],
]);

/** The kernel's 12 and 20 bits (linux/kdev_t.h, new_encode_dev). */
function deviceOf(rdev: bigint): { readonly major: number; readonly minor: number } {
  return { major: Number((rdev >> 8n) & 0xfffn), minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xfff00n)) };
}

interface Beginning {
  readonly sizeBytes: number;
  readonly isWhole: boolean;
}

/** A large file is left to others, from its beginning. */
function* readIfSmall(fd: number): Generator<Uint8Array, Beginning> {
  const { size } = fstatSync(fd);
  if (size > SMALL_FILE_BYTES) return { sizeBytes: 0, isWhole: false };
  const buffer = Buffer.allocUnsafe(size + 1);
  const sizeBytes = readSync(fd, buffer, 0, buffer.byteLength, 0);
  if (sizeBytes > 0) yield buffer.subarray(0, sizeBytes);
  return { sizeBytes, isWhole: sizeBytes < buffer.byteLength };
}
