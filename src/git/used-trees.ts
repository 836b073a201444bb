import { joinPath } from "../archive/entry-path.ts";
import { bytesOfPath, compareNames } from "../archive/path-bytes.ts";
import { TimeSlice } from "../content/time-slice.ts";
import { formatOf, objectId, type ObjectFormat } from "./object-id.ts";
import { isExecutable, type UsedPlace } from "./used-directory.ts";

/** A used directory as git would commit it. */
export interface UsedTree {
  /** Of the tree object; undefined where it holds what git has no object for. */
  readonly id: string | undefined;
  /** How much lies below it, directories not counted. */
  readonly files: number;
}

/** By path below the used directory, "" for that itself. What is used decides them, whoever asks, and nothing else does. */
export type UsedTrees = ReadonlyMap<string, UsedTree>;

export interface UsedBlobs {
  readonly format: ObjectFormat;
  /** Id of a regular file's content; undefined where that is not known. */
  blob(file: UsedPlace): string | undefined;
}

/**
 * Computes the ids that git's tree objects would have, of a directory and of all below. Where such an id is the
 * commit's, each name, mode and content below is the commit's, and the commit has no other: nothing need be looked at.
 */
export async function usedTrees(top: UsedPlace, blobs: UsedBlobs, signal: AbortSignal): Promise<UsedTrees> {
  const trees = new Map<string, UsedTree>();
  await addTree(top, "", { blobs, trees, slice: new TimeSlice(), signal });
  return trees;
}

interface Adding {
  readonly blobs: UsedBlobs;
  readonly trees: Map<string, UsedTree>;
  readonly slice: TimeSlice;
  readonly signal: AbortSignal;
}

/** What a tree object says of one name. */
interface Line {
  /** What git orders names by: that of a directory as if a slash followed. */
  readonly order: string;
  readonly name: string;
  readonly mode: string;
  readonly id: string;
}

async function addTree(place: UsedPlace, path: string, adding: Adding): Promise<UsedTree> {
  const lines: Line[] = [];
  let files = 0;
  let isWhole = true;
  for (const [name, child] of place.children ?? []) {
    if (adding.slice.isSpent) await adding.slice.renew(adding.signal);
    const below = child.children && (await addTree(child, joinPath(path, name), adding));
    files += below?.files ?? 1;
    // Directories without files are nothing to git.
    if (below?.files === 0) continue;
    const line = below === undefined ? leafLine(name, child, adding) : treeLine(name, below);
    if (line === undefined) isWhole = false;
    else lines.push(line);
  }
  const tree = { id: isWhole ? objectId(adding.blobs.format, "tree", treeOf(lines, adding.blobs.format)) : undefined, files };
  adding.trees.set(path, tree);
  return tree;
}

function treeLine(name: string, { id }: UsedTree): Line | undefined {
  return id === undefined ? undefined : { order: `${name}/`, name, mode: "40000", id };
}

function leafLine(name: string, place: UsedPlace, { blobs }: Adding): Line | undefined {
  const { kind, mode, linkname = "" } = place.entry;
  if (kind === "symlink") return { order: name, name, mode: "120000", id: objectId(blobs.format, "blob", bytesOfPath(linkname)) };
  const id = kind === "file" ? blobs.blob(place) : undefined;
  if (id === undefined || formatOf(id) !== blobs.format) return undefined;
  return { order: name, name, mode: isExecutable(mode) ? "100755" : "100644", id };
}

/** The bytes of a tree object: see parseTree. */
function treeOf(lines: Line[], format: ObjectFormat): Buffer {
  const idBytes = format === "sha256" ? 32 : 20;
  // A UTF-16 unit is three bytes at most.
  const tree = Buffer.allocUnsafe(lines.reduce((bytes, { name }) => bytes + name.length * 3 + 8 + idBytes, 0));
  let at = 0;
  for (const { mode, name, id } of lines.sort((a, b) => compareNames(a.order, b.order))) {
    at += tree.write(`${mode} `, at, "latin1");
    at += name.isWellFormed() ? tree.write(name, at, "utf8") : bytesOfPath(name).copy(tree, at);
    tree[at] = 0;
    at += 1 + tree.write(id, at + 1, "hex");
  }
  return tree.subarray(0, at);
}
