import { createHash } from "node:crypto";
import type { FileDigests, ScanFile, ScanTree } from "../sbom/scan-tree.ts";
import { compareBytes } from "../sbom/scan-tree.ts";
import { TreeError } from "../snapshot/tree-error.ts";
import type { TreeNode } from "../snapshot/tree-node.ts";
import type { Tree } from "../snapshot/tree.ts";
import type { StateDatabase } from "../store/state-database.ts";

/** A merged tree as a scan sees it: nothing is mounted, and what is hashed once is remembered by its content. */
export function scannedTree(tree: Tree, database: StateDatabase): ScanTree {
  const files = new Map<string, ScanFile>();
  for (const node of tree.walk("")) if (node.entry.kind === "file") files.set(node.entry.path, scanFile(node, database));
  const sorted = new Map([...files].toSorted(([a], [b]) => compareBytes(a, b)));
  const find = (path: string, last: "follow" | "keep"): ScanFile | undefined => {
    const place = placeOf(tree, path, last);
    return place === undefined ? undefined : sorted.get(place);
  };
  return { files: sorted, resolve: (path) => find(path, "follow"), locate: (path) => find(path, "keep") };
}

/** A path through a file, and links in a circle, lead nowhere. */
function placeOf(tree: Tree, path: string, last: "follow" | "keep"): string | undefined {
  try {
    return tree.resolve(path, last);
  } catch (error) {
    if (error instanceof TreeError) return undefined;
    throw error;
  }
}

function scanFile({ entry, stored, layer }: TreeNode, database: StateDatabase): ScanFile {
  return {
    path: entry.path,
    sizeBytes: entry.sizeBytes,
    mode: entry.mode,
    read: (signal) => layer.read(stored, signal),
    readPart: (part, signal) => layer.readPart(stored, part, signal),
    digests: (signal) => fileDigests({ stored, layer }, database, signal),
  };
}

/** sha256 is known of every file that was hashed for a key; sha1, which SPDX wants, is kept beside it. */
async function fileDigests({ stored, layer }: Pick<TreeNode, "stored" | "layer">, database: StateDatabase, signal: AbortSignal): Promise<FileDigests> {
  const digest = await layer.contentDigest(stored, signal);
  const sha256 = digest.slice("sha256:".length);
  const known = database.fact("sha1", digest);
  if (known !== undefined) return { sha1: known, sha256 };
  const hash = createHash("sha1");
  for await (const chunk of layer.read(stored, signal)) hash.update(chunk);
  const sha1 = hash.digest("hex");
  database.saveFact("sha1", digest, sha1);
  return { sha1, sha256 };
}
