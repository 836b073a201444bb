import { bytesOfPath } from "../archive/path-bytes.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import { TimeSlice } from "../content/time-slice.ts";
import { portableXattrs } from "./tree-contents.ts";
import type { TreeNode } from "./tree-node.ts";
import type { Place } from "./tree-place.ts";
import { sortedChildren, type TreeView } from "./tree-view.ts";

/**
 * The Merkle root of a tree over path, mode and content: what names a local directory by what is in it.
 *
 * A directory's digest is sha256 of one line for each of its names, in the order of their bytes:
 * kind, mode in octal, for what is not root's also `uid:gid`, for what has extended attributes their
 * JSON, all separated by spaces, then a tab, the name, a zero byte, the digest of what the name
 * stands for, and a line feed. That digest is of the content of a file, of the text of a symbolic
 * link's target, of `major:minor` of a device. Times do not count, nor does the root's own mode.
 */
export async function treeDigest(tree: TreeView, contentOf: ContentOf, signal: AbortSignal): Promise<Digest> {
  return await directoryDigest(tree.root, { contentOf, slice: new TimeSlice() }, signal);
}

/** The digest of a file's content, which must be known already: a question for each would cost more than all the rest. */
export type ContentOf = (file: TreeNode) => Digest;

interface Means {
  readonly contentOf: ContentOf;
  readonly slice: TimeSlice;
}

async function directoryDigest(directory: Place, means: Means, signal: AbortSignal): Promise<Digest> {
  let lines = "";
  for (const [name, child] of sortedChildren(directory)) {
    if (means.slice.isSpent) await means.slice.renew(signal);
    const digest = child.children === undefined ? valueDigest(child, means.contentOf) : await directoryDigest(child, means, signal);
    lines += `${describe(child)}\t${name}\0${digest}\n`;
  }
  // Names that are no UTF-8 hold their bytes as lone surrogates, which only the whole text is turned back from at once.
  return digestOf(bytesOfPath(lines));
}

function describe({ entry }: TreeNode): string {
  const first = `${entry.kind} ${entry.mode.toString(8)}`;
  if (entry.uid === 0 && entry.gid === 0 && entry.xattrs === undefined) return first;
  const words = [first];
  if (entry.uid !== 0 || entry.gid !== 0) words.push(`${entry.uid}:${entry.gid}`);
  const xattrs = portableXattrs(entry.xattrs);
  if (xattrs.length > 0) words.push(JSON.stringify(xattrs));
  return words.join(" ");
}

function valueDigest(node: TreeNode, contentOf: ContentOf): Digest {
  const { entry } = node;
  if (entry.kind === "file") return contentOf(node);
  if (entry.kind === "symlink") return digestOf(bytesOfPath(entry.linkname ?? ""));
  return digestOf(Buffer.from(entry.device === undefined ? "" : `${entry.device.major}:${entry.device.minor}`));
}
