import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { Digest } from "../content/digest.ts";
import { TimeSlice } from "../content/time-slice.ts";
import { contentDigests, portableXattrs } from "./tree-contents.ts";
import type { TreeNode } from "./tree-node.ts";
import { hasPatterns, keyPath, listOf, notFound, resolveIfThere, selectNodes, type ContentSelection, type Selected } from "./tree-selection.ts";
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
  const nodes = hasPatterns(selection) ? await nodesOfPatterns(tree, selection, signal) : await nodesOfPath(tree, selection, signal);
  const contents = await contentDigests(nodes.map(({ node }) => node), signal);
  const hash = createHash("sha256");
  const slice = new TimeSlice();
  for (const { name, node } of nodes) {
    if (slice.isSpent) await slice.renew(signal);
    hash.update(`${JSON.stringify([name, ...describe(node), contents.get(node.stored)])}\n`);
  }
  // digest("hex") is 64 characters of lower-case hex by construction.
  return `sha256:${hash.digest("hex")}` as Digest;
}

async function nodesOfPath(tree: TreeView, { path, followLinks }: ContentSelection, signal: AbortSignal): Promise<readonly NamedNode[]> {
  const resolved = resolveIfThere(tree, path, followLinks ? "follow" : "keep");
  if (resolved === undefined) throw notFound(keyPath(path));
  return await nodesBelow(tree, { top: resolved, name: "" }, signal);
}

async function nodesBelow(tree: TreeView, { top, name }: { readonly top: string; readonly name: string }, signal: AbortSignal): Promise<readonly NamedNode[]> {
  return (await listOf(tree.walk(top), signal))
    .filter(({ entry }) => entry.path !== "")
    .map((node) => ({ name: name + node.entry.path.slice(top.length), node }));
}

async function nodesOfPatterns(tree: TreeView, selection: ContentSelection, signal: AbortSignal): Promise<readonly NamedNode[]> {
  const { prefix, nodes } = await selectNodes(tree, selection, signal);
  const isAlone = isOnlyItself(selection.path, nodes);
  const named: Array<NamedNode | readonly NamedNode[]> = [];
  for (const { path, node, isTop } of nodes) {
    const name = isAlone ? "" : path.slice(prefix.length);
    if (!isTop || !selection.followLinks || node.entry.kind !== "symlink") {
      named.push({ name, node });
      continue;
    }
    const target = resolveIfThere(tree, node.entry.path, "follow");
    if (target === undefined) throw notFound(path);
    named.push(await nodesBelow(tree, { top: target, name }, signal));
  }
  return named.flat();
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
