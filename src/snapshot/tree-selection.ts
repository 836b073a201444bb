import { posix } from "node:path";
import { TimeSlice } from "../content/time-slice.ts";
import { matcherOf, type ParentMatch, type PatternMatcher } from "../pattern/pattern-matcher.ts";
import { matchPath, splitWildcards } from "../pattern/path-match.ts";
import { TreeError } from "./tree-error.ts";
import type { TreeNode } from "./tree-node.ts";
import type { TreeView } from "./tree-view.ts";

/** Which part of a tree a step uses, as BuildKit's selectors say it. */
export interface ContentSelection {
  /** Absolute, of the tree; a shell pattern where `wildcard` is set. */
  readonly path: string;
  /** Whether a symbolic link at the end of the path stands for what it leads to. */
  readonly followLinks: boolean;
  readonly wildcard: boolean;
  /** Relative to what `path` names; none means everything. */
  readonly includePatterns: readonly string[];
  readonly excludePatterns: readonly string[];
  /** Paths (as `path`) under which something must have been selected. Only looked at where there are patterns. */
  readonly requiredPaths: readonly string[];
}

export interface SelectedNode {
  /** As the step wrote it: links in the part before the patterns are not resolved. Absolute, "" is the root. */
  readonly path: string;
  readonly node: TreeNode;
  /** True for a node that no selected directory contains: a link there is followed if links are. */
  readonly isTop: boolean;
}

export interface Selected {
  /** What all paths begin with. */
  readonly prefix: string;
  readonly nodes: readonly SelectedNode[];
}

export function hasPatterns(selection: ContentSelection): boolean {
  return selection.wildcard || selection.includePatterns.length > 0 || selection.excludePatterns.length > 0;
}

/**
 * The nodes that patterns select, and the directories that lead to them. Nothing need be there.
 * Throws TreeError "not-found" for a required path without a selected node, PatternError for a malformed pattern.
 */
export async function selectNodes(tree: TreeView, selection: ContentSelection, signal: AbortSignal): Promise<Selected> {
  const path = keyPath(selection.path);
  const { fixed, wild } = selection.wildcard ? splitWildcards(path) : { fixed: path, wild: "" };
  const prefix = fixed === "/" ? "" : fixed;
  const resolved = resolveIfThere(tree, prefix, wild === "" ? "keep" : "follow");
  const nodes = resolved === undefined ? [] : await listOf(new Selector(selection, path).select(tree, resolved, prefix), signal);
  for (const required of selection.requiredPaths) {
    if (!nodes.some((node) => node.path.startsWith(required))) throw notFound(required);
  }
  return { prefix, nodes };
}

/** All of what may take long to come together. */
export async function listOf<T>(values: Iterable<T>, signal: AbortSignal): Promise<T[]> {
  const list: T[] = [];
  const slice = new TimeSlice();
  for (const value of values) {
    if (slice.isSpent) await slice.renew(signal);
    list.push(value);
  }
  return list;
}

/** Absolute and clean; the root is "". */
export function keyPath(path: string): string {
  const absolute = posix.resolve("/", path);
  return absolute === "/" ? "" : absolute;
}

export function notFound(path: string): TreeError {
  return new TreeError("not-found", `${JSON.stringify(path)}: not found`);
}

/** Undefined for what is not there, or cannot be as a file is in the way. */
export function resolveIfThere(tree: TreeView, path: string, last: "follow" | "keep"): string | undefined {
  try {
    const resolved = tree.resolve(path, last);
    return tree.lookup(resolved) === undefined ? undefined : resolved;
  } catch (error) {
    if (error instanceof TreeError && error.code === "not-a-directory") return undefined;
    throw error;
  }
}

interface Directory {
  readonly selected: SelectedNode;
  readonly include: ParentMatch | undefined;
  readonly exclude: ParentMatch | undefined;
  isSelected: boolean;
}

class Selector {
  readonly #pattern: string | undefined;
  readonly #path: string;
  readonly #include: PatternMatcher | undefined;
  readonly #exclude: PatternMatcher | undefined;
  /** The directories above the current node that have been met, outermost first. */
  readonly #above: Directory[] = [];
  #matchedAt: string | undefined;

  constructor(selection: ContentSelection, path: string) {
    this.#path = path;
    this.#pattern = selection.wildcard ? path : undefined;
    this.#include = matcherOf("includepatterns", selection.includePatterns);
    this.#exclude = matcherOf("excludepatterns", selection.excludePatterns);
  }

  *select(tree: TreeView, resolved: string, prefix: string): Generator<SelectedNode> {
    for (const node of tree.walk(resolved)) {
      const path = prefix + `/${node.entry.path}`.slice(resolved === "" ? 0 : resolved.length + 1).replace(/^\/$/, "");
      while (this.#above.length > 0 && !path.startsWith(`${this.#above.at(-1)?.selected.path ?? ""}/`)) this.#above.pop();
      const start = this.#startOf(path);
      if (start === undefined) continue;
      yield* this.#consider({ path, node, isTop: this.#above.length === 0 }, path.slice(start.length + 1));
    }
  }

  /** What the patterns are relative to for this path; undefined while the wildcards have matched nothing. */
  #startOf(path: string): string | undefined {
    if (this.#pattern === undefined) return this.#path;
    if (this.#pattern === "") return "";
    if (this.#matchedAt === undefined || !path.startsWith(`${this.#matchedAt}/`)) {
      if (!matchPath(this.#pattern, path)) return undefined;
      this.#matchedAt = path;
    }
    return this.#matchedAt;
  }

  *#consider(selected: SelectedNode, candidate: string): Generator<SelectedNode> {
    const parent = this.#above.at(-1);
    const include = this.#include?.matchesUsingParent(candidate, parent?.include);
    const isIncluded = include?.matched ?? true;
    const exclude = isIncluded ? this.#exclude?.matchesUsingParent(candidate, parent?.exclude) : undefined;
    // The root has no metadata that counts.
    const isSelected = isIncluded && exclude?.matched !== true && selected.path !== "";
    if (isSelected) {
      for (const directory of this.#above) {
        if (!directory.isSelected && directory.selected.path !== "") yield directory.selected;
        directory.isSelected = true;
      }
      yield selected;
    }
    if (selected.node.entry.kind === "directory") this.#above.push({ selected, include: include?.match, exclude: exclude?.match, isSelected });
  }
}
