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
  /** As `resolve`, but the last name of the path is not followed: a link is not the file that it points to. */
  locate(path: string): ScanFile | undefined;
}

/** A link may lead to a link. Linux gives up after as many. */
const LINKS_FOLLOWED_MAX = 40;

/** `links`: path of each symbolic link → what it points to, as written in it. */
export function treeOf(files: Iterable<ScanFile>, links: ReadonlyMap<string, string>): ScanTree {
  const byPath = new Map([...files].map((file) => [file.path, file] as const).toSorted(([a], [b]) => compareBytes(a, b)));
  const follow = (path: string, last: "follow" | "keep"): ScanFile | undefined => {
    const resolved = withoutLinks(path, links, last);
    return resolved === undefined ? undefined : byPath.get(resolved);
  };
  return { files: byPath, resolve: (path) => follow(path, "follow"), locate: (path) => follow(path, "keep") };
}

function withoutLinks(path: string, links: ReadonlyMap<string, string>, last: "follow" | "keep"): string | undefined {
  const ahead = path.split("/").toReversed();
  let followed = 0;
  let reached: string[] = [];
  for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      reached.pop();
      continue;
    }
    reached.push(name);
    const target = ahead.length > 0 || last === "follow" ? links.get(reached.join("/")) : undefined;
    if (target === undefined) continue;
    if (++followed > LINKS_FOLLOWED_MAX) return undefined;
    reached = target.startsWith("/") ? [] : reached.slice(0, -1);
    ahead.push(...target.split("/").toReversed());
  }
  return reached.join("/");
}

const SURROGATE = /[\ud800-\udfff]/;

/** The order of the bytes of UTF-8, which is that of UTF-16 but for what lies beyond its first plane. */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  if (SURROGATE.test(a) || SURROGATE.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}
