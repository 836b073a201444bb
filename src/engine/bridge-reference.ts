import type { BridgeReference, FileRange } from "../bridge/bridge.ts";
import { fileStat, type FileStat } from "../bridge/file-stat.ts";
import { collectBytes } from "../content/bytes.ts";
import type { Definition } from "../llb/definition.ts";
import { PatternMatcher } from "../pattern/pattern-matcher.ts";
import { TreeError } from "../snapshot/tree-error.ts";
import type { TreeNode } from "../snapshot/tree-node.ts";
import { Tree } from "../snapshot/tree.ts";
import { solveGraphs, type SolvedGraphs, type SolveMeans } from "./solve-graphs.ts";

/** A file that a frontend reads travels as one message, of at most 16 MiB with its prefix. */
export const FRONTEND_FILE_BYTES_MAX: number = 16 * 1024 * 1024;

/** A tree that a frontend saw, for the record: what it returns may depend on that. */
export interface LookedAt {
  readonly definition: Definition;
  readonly solved: SolvedGraphs;
}

/** A result that is made when somebody first looks at it, and then once. Rejects with VertexError. */
export function lazyReference(definition: Definition, means: SolveMeans): BridgeReference {
  let tree: Promise<Tree> | undefined;
  const open = (signal: AbortSignal): Promise<Tree> => {
    const opening = (tree ??= solveTree(definition, means, signal));
    opening.catch(() => {
      // A frontend may ask again, and be told again.
      if (tree === opening) tree = undefined;
    });
    return opening;
  };
  return {
    definition,
    async evaluate(signal) {
      await open(signal);
    },
    readFile: async (path, range, signal) => await readFile(await open(signal), { path, range }, signal),
    readDirectory: async (path, includePattern, signal) => readDirectory(await open(signal), path, includePattern),
    stat: async (path, signal) => statFile(await open(signal), path),
  };
}

async function solveTree(definition: Definition, means: SolveMeans, signal: AbortSignal): Promise<Tree> {
  const solved = await solveGraphs([definition], means, signal);
  means.services.looked.push({ definition, solved });
  return await Tree.open(solved.chains[0] ?? [], signal);
}

/** In Go's words, which frontends look for. */
function missing(verb: string, path: string): TreeError {
  return new TreeError("not-found", `${verb} ${path}: no such file or directory`);
}

async function readFile(tree: Tree, { path, range }: { readonly path: string; readonly range: FileRange | undefined }, signal: AbortSignal): Promise<Uint8Array> {
  const node = tree.lookup(tree.resolve(path, "follow"));
  if (node === undefined) throw missing("open", path);
  if (node.entry.kind !== "file") throw new TreeError("not-a-file", `${path} is not a regular file`);
  if (range === undefined) return await collectBytes(node.layer.read(node.stored, signal), FRONTEND_FILE_BYTES_MAX);
  return await readRange(node, range, signal);
}

/** Bytes before the range are read over: a layer is read from its start. */
async function readRange(node: TreeNode, { offset, length }: FileRange, signal: AbortSignal): Promise<Uint8Array> {
  if (length > FRONTEND_FILE_BYTES_MAX) throw new TreeError("too-large", `${length} bytes are more than one answer can hold`);
  const parts: Uint8Array[] = [];
  let at = 0;
  for await (const chunk of node.layer.read(node.stored, signal)) {
    parts.push(chunk.subarray(Math.max(0, offset - at), Math.max(0, offset + length - at)));
    at += chunk.byteLength;
    if (at >= offset + length) break;
  }
  return Buffer.concat(parts);
}

function readDirectory(tree: Tree, path: string, includePattern: string): FileStat[] {
  const resolved = tree.resolve(path, "follow");
  const node = tree.lookup(resolved);
  if (node === undefined) throw missing("open", path);
  if (node.entry.kind !== "directory") throw new TreeError("not-a-directory", `fdopendir ${path}: not a directory`);
  const matcher = includePattern === "" ? undefined : new PatternMatcher([includePattern]);
  return tree.children(resolved).map(statOf).filter(({ path: name }) => matcher?.matchesOrParentMatches(name) ?? true);
}

function statFile(tree: Tree, path: string): FileStat {
  const node = tree.lookup(tree.resolve(path, "follow"));
  if (node === undefined) throw missing("lstat", path);
  return statOf(node);
}

function statOf({ entry }: TreeNode): FileStat {
  return fileStat(entry.path.slice(entry.path.lastIndexOf("/") + 1) || "/", entry);
}
