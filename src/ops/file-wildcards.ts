import { matchPath, splitWildcards } from "../pattern/path-match.ts";
import { PatternError } from "../pattern/pattern-error.ts";
import type { TreeView } from "../snapshot/tree-view.ts";
import { OperationError } from "./operation-error.ts";

/**
 * The paths of a tree that a shell pattern matches, in the order of a walk. The part before the first wildcard is
 * resolved, and not even looked for when there is no wildcard. Throws OperationError where that part is missing.
 */
export function resolveWildcards(tree: TreeView, pattern: string, last: "follow" | "keep"): readonly string[] {
  const { fixed, wild } = splitWildcards(pattern);
  if (wild === "") return [fixed];
  const base = tree.resolve(fixed, last);
  if (tree.lookup(base) === undefined) throw new OperationError("missing-input", `lstat /${base}: no such file or directory`);
  try {
    return [...matchesBelow(tree, base, { pattern: wild, depth: wild.split("/").length, prefix: "" })];
  } catch (error) {
    // A malformed pattern matches nothing; BuildKit does not tell.
    if (error instanceof PatternError) return [];
    throw error;
  }
}

function* matchesBelow(tree: TreeView, directory: string, search: { readonly pattern: string; readonly depth: number; readonly prefix: string }): Generator<string> {
  for (const { entry } of tree.children(directory)) {
    const name = search.prefix + entry.path.slice(directory === "" ? 0 : directory.length + 1);
    if (matchPath(search.pattern, name)) yield entry.path;
    else if (entry.kind === "directory" && search.depth > 1) yield* matchesBelow(tree, entry.path, { ...search, depth: search.depth - 1, prefix: `${name}/` });
  }
}
