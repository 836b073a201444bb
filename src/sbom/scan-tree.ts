import type { ByteStream } from "../content/blob-store.ts";
import type { BytesPart } from "../content/bytes.ts";

/** Digests of a file's content, in lower-case hex. */
export interface FileDigests {
  readonly sha1: string;
  readonly sha256: string;
}

/** A regular file of the tree that is scanned; a hard link is a file under each of its names. */
export interface ScanFile {
  /** Relative to the root, without a leading slash. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Permission bits, 0o7777 at most. */
  readonly mode: number;
  read(signal: AbortSignal): ByteStream;
  /** A part of the content, less where it ends before: what stands in a large program or archive is found without reading all of it. */
  readPart(part: BytesPart, signal: AbortSignal): ByteStream;
  /** Remembered by whoever made the tree: a second question reads nothing. */
  digests(signal: AbortSignal): Promise<FileDigests>;
}

/** A tree to look for packages in: what a container would see, without being mounted. */
export interface ScanTree {
  /** By path, in the order of their bytes. */
  readonly files: ReadonlyMap<string, ScanFile>;
  /** The file at a path, symbolic links followed within the tree. Undefined for what is no file, or leads nowhere. */
  resolve(path: string): ScanFile | undefined;
}
