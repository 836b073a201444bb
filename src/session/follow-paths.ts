import { posix } from "node:path";
import { joinPath } from "../archive/entry-path.ts";
import { cleanPath } from "../pattern/clean-path.ts";
import { hasWildcards, matchPath } from "../pattern/path-match.ts";
import { PatternError } from "../pattern/pattern-error.ts";

/** What following needs to know of a directory. Paths are relative to it. */
export interface LinkedTree {
  /** Undefined when there is no such directory. */
  list(path: string): ReadonlyArray<{ readonly name: string }> | undefined;
  /** Undefined for what is no symbolic link. */
  linkTarget(path: string): string | undefined;
}

/**
 * The paths that must be sent so that `paths` can be followed: each symbolic link on the way, and
 * what it leads to, within the root. Wildcards may stand in any component and stay in the result,
 * which is to be used as include patterns. Undefined when the root itself is among them: then all is sent.
 */
export function followPaths(files: LinkedTree, paths: readonly string[]): readonly string[] | undefined {
  const resolver = new LinkResolver(files);
  for (const path of paths) resolver.add(path);
  return withoutNested([...resolver.resolved].sort());
}

/** Drops what lies below the path before it; undefined when the root is among the paths. */
export function withoutNested(paths: readonly string[]): readonly string[] | undefined {
  const kept: string[] = [];
  for (const path of paths) {
    if (path === ".") return undefined;
    if (!path.startsWith(`${kept.at(-1) ?? ""}/`)) kept.push(path);
  }
  return kept;
}

class LinkResolver {
  readonly resolved: Set<string> = new Set();
  readonly #files: LinkedTree;

  constructor(files: LinkedTree) {
    this.#files = files;
  }

  add(path: string): void {
    const components = cleanPath(`./${path}`).split("/");
    let current = "";
    for (const [i, component] of components.entries()) {
      current = component === "." ? current : posix.join(current, component);
      const rest = components.slice(i + 1).join("/");
      const targets = this.#targetsOf(current);
      if (rest !== "" && targets === undefined) continue;
      // What was resolved before may be the link that we came through.
      if (this.resolved.has(current === "" ? "." : current)) return;
      this.resolved.add(current === "" ? "." : current);
      for (const target of targets ?? []) this.add(posix.join(target, rest));
      return;
    }
  }

  /** Where the symbolic links of a path lead, as absolute paths of the root; undefined if none of its matches is a link. */
  #targetsOf(path: string): readonly string[] | undefined {
    const base = posix.basename(path);
    if (!hasWildcards(base)) return this.#targetOf(path);
    const directory = path.includes("/") ? posix.dirname(path) : "";
    const names = (this.#files.list(directory) ?? []).map(({ name }) => name).filter((name) => matches(base, name));
    const targets = names.flatMap((name) => this.#targetOf(joinPath(directory, name)) ?? []);
    return targets.length === 0 ? undefined : targets;
  }

  #targetOf(path: string): readonly string[] | undefined {
    if (path === "" || path === ".." || path.startsWith("../")) return undefined;
    const link = this.#files.linkTarget(path);
    return link === undefined ? undefined : [posix.resolve("/", posix.dirname(path), link)];
  }
}

/** A malformed pattern matches nothing here; where it is used as a pattern it is refused. */
function matches(pattern: string, name: string): boolean {
  try {
    return matchPath(pattern, name);
  } catch (error) {
    if (error instanceof PatternError) return false;
    throw error;
  }
}
