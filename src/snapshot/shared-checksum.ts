import { createHash } from "node:crypto";
import { posix } from "node:path";
import { bytesOfPath } from "../archive/path-bytes.ts";
import type { Entry, EntryKind } from "../archive/entry.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import { TimeSlice } from "../content/time-slice.ts";
import { TreeError } from "./tree-error.ts";
import type { TreeNode } from "./tree-node.ts";
import { hasPatterns, keyPath, notFound, resolveIfThere, selectNodes, type ContentSelection } from "./tree-selection.ts";
import type { TreeView } from "./tree-view.ts";

/** Hashes of files that were computed before, by what they are of: content is read once for them. */
export interface KnownHashes {
  find(name: string): Digest | undefined;
  save(name: string, digest: Digest): void;
}

export interface SharedChecksumMeans {
  readonly known: KnownHashes;
  /** False for files that a client lent: BuildKit does not look at what their root is like. */
  readonly rootCounts: boolean;
}

/**
 * BuildKit's name for the content that a step uses of a tree (cache/contenthash): other than ours it holds the content itself
 * behind a header for each file, so that content must be read for it. Throws TreeError "not-found" as `contentDigest` does.
 */
export async function sharedChecksum(tree: TreeView, selection: ContentSelection, means: SharedChecksumMeans, signal: AbortSignal): Promise<Digest> {
  const checksum = new Checksum(tree, means, signal);
  return hasPatterns(selection) ? await checksum.ofPatterns(selection) : await checksum.ofPath(selection.path, selection.followLinks);
}

class Checksum {
  readonly #tree: TreeView;
  readonly #means: SharedChecksumMeans;
  readonly #signal: AbortSignal;
  readonly #slice: TimeSlice = new TimeSlice();

  constructor(tree: TreeView, means: SharedChecksumMeans, signal: AbortSignal) {
    this.#tree = tree;
    this.#means = means;
    this.#signal = signal;
  }

  async ofPath(path: string, followLinks: boolean): Promise<Digest> {
    const resolved = resolveIfThere(this.#tree, path, followLinks ? "follow" : "keep");
    const node = resolved === undefined ? undefined : this.#tree.lookup(resolved);
    if (node === undefined) throw notFound(keyPath(path));
    return await this.#ofNode(node);
  }

  async ofPatterns(selection: ContentSelection): Promise<Digest> {
    const { prefix, nodes } = await selectNodes(this.#tree, selection, this.#signal);
    const digests: Array<readonly [string, Digest]> = [];
    for (const { path, node, isTop } of nodes) {
      if (this.#slice.isSpent) await this.#slice.renew(this.#signal);
      const isLink = selection.followLinks && node.entry.kind === "symlink";
      digests.push([path, isLink && (isTop || this.#liesInRoot(path, selection)) ? await this.ofPath(node.entry.path, true) : await this.#header(node)]);
    }
    const [only, ...others] = digests;
    if (only === undefined) return digestOf(new Uint8Array());
    if (others.length === 0 && posix.basename(keyPath(selection.path)) === posix.basename(only[0])) return only[1];
    const hash = createHash("sha256");
    for (const [path, digest] of digests) hash.update(recordKey(path.slice(prefix.length))).update(digest);
    return digestText(hash);
  }

  /**
   * BuildKit takes no note of the root as the directory that what lies in it is selected by, so that links there are followed, though
   * they are copied as links. Where one leads nowhere it gives up, and there is no name of its own to be met.
   */
  #liesInRoot(path: string, selection: ContentSelection): boolean {
    return keyPath(selection.path) === "" && path.lastIndexOf("/") === 0 && this.#leadsSomewhere(path);
  }

  #leadsSomewhere(path: string): boolean {
    try {
      return resolveIfThere(this.#tree, path, "follow") !== undefined;
    } catch (error) {
      if (error instanceof TreeError && error.code === "too-many-links") return false;
      throw error;
    }
  }

  /** A directory counts with all below it; its entries come in the order of their names' bytes, after itself. */
  async #ofNode(node: TreeNode): Promise<Digest> {
    this.#signal.throwIfAborted();
    if (this.#slice.isSpent) await this.#slice.renew(this.#signal);
    if (node.entry.kind !== "directory") return await this.#header(node);
    const hash = createHash("sha256").update("\0").update(await this.#header(node));
    for (const child of this.#tree.children(node.entry.path)) {
      const digest = await this.#ofNode(child);
      hash.update(recordKey(`/${posix.basename(child.entry.path)}`)).update(digest);
    }
    return digestText(hash);
  }

  async #header(node: TreeNode): Promise<Digest> {
    const { entry, layer, stored } = node;
    if (entry.path === "" && !this.#means.rootCounts) return digestOf(new Uint8Array());
    const header = tarsumHeader(entry);
    if (entry.kind !== "file" || entry.sizeBytes === 0) return digestOf(header);
    const name = `${digestOf(header)} ${await layer.contentDigest(stored, this.#signal)}`;
    const known = this.#means.known.find(name);
    if (known !== undefined) return known;
    const hash = createHash("sha256").update(header);
    for await (const chunk of layer.read(stored, this.#signal)) hash.update(chunk);
    const digest = digestText(hash);
    this.#means.known.save(name, digest);
    return digest;
  }
}

/** Paths without their slashes: names cannot hold a zero. */
function recordKey(path: string): Buffer {
  return path === "" ? Buffer.of(0) : bytesOfPath(path.replaceAll("/", "\0"));
}

/** Docker's old form of a tar header as text, without a name and without times (cache/contenthash/tarsum.go). */
function tarsumHeader({ kind, mode, uid, gid, sizeBytes, linkname = "", device, xattrs }: Entry): Buffer {
  const fields: ReadonlyArray<readonly [string, string | number]> = [
    ["name", ""], ["mode", kind === "symlink" ? 0o777 : mode], ["uid", uid], ["gid", gid], ["size", kind === "file" ? sizeBytes : 0], ["typeflag", TYPE_FLAGS[kind]],
    ["linkname", kind === "symlink" ? linkname : ""], ["uname", ""], ["gname", ""], ["devmajor", device?.major ?? 0], ["devminor", device?.minor ?? 0],
  ];
  const attributes = [...(xattrs ?? [])].filter(([name]) => name === "security.capability" || !/^(?:security|system)\./.test(name)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat([
    ...fields.map(([name, value]) => (name === "linkname" ? Buffer.concat([Buffer.from(name), bytesOfPath(String(value))]) : Buffer.from(`${name}${value}`))),
    ...attributes.flatMap(([name, value]) => [Buffer.from(name), Buffer.from(value)]),
  ]);
}

const TYPE_FLAGS: Readonly<Record<EntryKind, string>> = { file: "0", hardlink: "0", symlink: "2", char: "3", block: "4", directory: "5", fifo: "6", whiteout: "", opaque: "" };

function digestText(hash: ReturnType<typeof createHash>): Digest {
  // digest("hex") is 64 characters of lower-case hex by construction.
  return `sha256:${hash.digest("hex")}` as Digest;
}
