import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { Digest } from "../content/digest.ts";
import { contentDigests, portableXattrs } from "./tree-contents.ts";
import type { TreeNode } from "./tree-node.ts";
import { hasPatterns, keyPath, notFound, resolveIfThere, selectNodes, type ContentSelection, type Selected } from "./tree-selection.ts";
import type { TreeView } from "./tree-view.ts";

/** A node under the name that it counts with. */
interface NamedNode {
  readonly name: string;
  readonly node: TreeNode;
}

/**
 * Names the content that a step uses of a tree, for cache keys: the paths below the selection, and of each
 * file kind, mode, owner, content, link, device and extended attributes. Times do not count, nor does the
 * name of the selection itself, nor the root's metadata.
 *
 * Which files count is BuildKit's choice (cache/contenthash). Throws TreeError "not-found" with its
 * text, `"/path": not found`, for a plain path that is not there; patterns may match nothing.
 */
export async function contentDigest(tree: TreeView, selection: ContentSelection, signal: AbortSignal): Promise<Digest> {
  const nodes = hasPatterns(selection) ? nodesOfPatterns(tree, selection) : nodesOfPath(tree, selection.path, selection.followLinks);
  const contents = await contentDigests(nodes.map(({ node }) => node), signal);
  const hash = createHash("sha256");
  for (const { name, node } of nodes) hash.update(`${JSON.stringify([name, ...describe(node), contents.get(node.stored)])}\n`);
  // digest("hex") is 64 characters of lower-case hex by construction.
  return `sha256:${hash.digest("hex")}` as Digest;
}

function nodesOfPath(tree: TreeView, path: string, followLinks: boolean): readonly NamedNode[] {
  const resolved = resolveIfThere(tree, path, followLinks ? "follow" : "keep");
  if (resolved === undefined) throw notFound(keyPath(path));
  return nodesBelow(tree, resolved, "");
}

function nodesBelow(tree: TreeView, top: string, name: string): readonly NamedNode[] {
  return Array.from(tree.walk(top))
    .filter(({ entry }) => entry.path !== "")
    .map((node) => ({ name: name + node.entry.path.slice(top.length), node }));
}

function nodesOfPatterns(tree: TreeView, selection: ContentSelection): readonly NamedNode[] {
  const { prefix, nodes } = selectNodes(tree, selection);
  const isAlone = isOnlyItself(selection.path, nodes);
  return nodes.flatMap(({ path, node, isTop }) => {
    const name = isAlone ? "" : path.slice(prefix.length);
    if (!isTop || !selection.followLinks || node.entry.kind !== "symlink") return [{ name, node }];
    const target = resolveIfThere(tree, node.entry.path, "follow");
    if (target === undefined) throw notFound(path);
    return nodesBelow(tree, target, name);
  });
}

/** One selected node of the selection's own name counts without it, as the same path without patterns does. */
function isOnlyItself(path: string, nodes: Selected["nodes"]): boolean {
  const [first, ...others] = nodes;
  return first !== undefined && others.length === 0 && posix.basename(path) === posix.basename(first.path);
}

function describe({ entry }: TreeNode): readonly unknown[] {
  const { kind, mode, uid, gid, linkname = "", device } = entry;
  // A hard link's node tells of the file; where its other names are does not count.
  return [kind, mode, uid, gid, kind === "symlink" ? linkname : "", device?.major ?? 0, device?.minor ?? 0, portableXattrs(entry.xattrs)];
}
