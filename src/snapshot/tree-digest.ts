import { bytesOfPath } from "../archive/path-bytes.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import { contentDigests, portableXattrs } from "./tree-contents.ts";
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
export async function treeDigest(tree: TreeView, signal: AbortSignal): Promise<Digest> {
  return directoryDigest(tree.root, await contentDigests(tree.walk(""), signal));
}

function directoryDigest(directory: Place, contents: ReadonlyMap<object, Digest>): Digest {
  // Names that are no UTF-8 hold their bytes as lone surrogates, which only the whole text is turned back from at once.
  const lines = sortedChildren(directory).map(([name, child]) => {
    const digest = child.children === undefined ? valueDigest(child, contents) : directoryDigest(child, contents);
    return `${describe(child)}\t${name}\0${digest}\n`;
  });
  return digestOf(bytesOfPath(lines.join("")));
}

function describe({ entry }: TreeNode): string {
  const words = [entry.kind, entry.mode.toString(8)];
  if (entry.uid !== 0 || entry.gid !== 0) words.push(`${entry.uid}:${entry.gid}`);
  const xattrs = portableXattrs(entry.xattrs);
  if (xattrs.length > 0) words.push(JSON.stringify(xattrs));
  return words.join(" ");
}

function valueDigest(node: TreeNode, contents: ReadonlyMap<object, Digest>): Digest {
  const { entry, stored } = node;
  if (entry.kind === "file") {
    const digest = contents.get(stored);
    if (digest === undefined) throw new RangeError(`no digest of /${entry.path}`);
    return digest;
  }
  if (entry.kind === "symlink") return digestOf(bytesOfPath(entry.linkname ?? ""));
  return digestOf(Buffer.from(entry.device === undefined ? "" : `${entry.device.major}:${entry.device.minor}`));
}
