import { matcherOf, type ParentMatch, type PathPattern, type PatternMatcher } from "../pattern/pattern-matcher.ts";
import { followPaths, withoutNested, type LinkedTree } from "./follow-paths.ts";
import type { LocalSelection } from "./session.ts";

/** What a selection means in one directory, whose links are followed now. Throws PatternError for a malformed pattern. */
export function selectionFilter(tree: LinkedTree, { followPaths: paths, includePatterns, excludePatterns }: LocalSelection): SelectionFilter {
  const followed = paths === undefined ? undefined : followPaths(tree, paths);
  const include = followed === undefined ? includePatterns : withoutNested([...includePatterns, ...followed]) ?? [];
  return new SelectionFilter(include, excludePatterns);
}

/** What was decided about a path; a directory's is handed to its children. */
export interface Verdict {
  /** To be sent for its own sake. A directory may also be sent for the sake of what lies in it. */
  readonly isSelected: boolean;
  /** False when nothing in the directory can be selected. */
  readonly mayContain: boolean;
  readonly include: ParentMatch | undefined;
  readonly exclude: ParentMatch | undefined;
}

/**
 * Decides path by path what include and exclude patterns let through, parents before children.
 * Throws PatternError for a malformed pattern.
 */
export class SelectionFilter {
  readonly #include: PatternMatcher | undefined;
  readonly #exclude: PatternMatcher | undefined;
  /** Directories under which an include pattern, or an exception to an exclude pattern, can match; undefined for anywhere. */
  readonly #includePrefixes: readonly string[] | undefined;
  readonly #exceptionPrefixes: readonly string[] | undefined;

  constructor(includePatterns: readonly string[], excludePatterns: readonly string[]) {
    this.#include = matcherOf("includepatterns", includePatterns);
    this.#exclude = matcherOf("excludepatterns", excludePatterns);
    this.#includePrefixes = prefixesOf((this.#include?.patterns ?? []).filter(({ exclusion }) => !exclusion));
    this.#exceptionPrefixes = prefixesOf((this.#exclude?.patterns ?? []).filter(({ exclusion }) => exclusion));
  }

  decide(path: string, parent: Verdict | undefined): Verdict {
    const include = this.#include?.matchesUsingParent(path, parent?.include);
    // Of most files the same is to be said as of their directory.
    if (parent?.isSelected === true && this.#exclude === undefined && include?.match === parent.include) return parent;
    const exclude = this.#exclude?.matchesUsingParent(path, parent?.exclude);
    const isIncluded = include?.matched ?? true;
    const isExcluded = exclude?.matched ?? false;
    return {
      isSelected: isIncluded && !isExcluded,
      mayContain: (isIncluded || canHold(this.#includePrefixes, path)) && (!isExcluded || canHold(this.#exceptionPrefixes, path)),
      include: include?.match,
      exclude: exclude?.match,
    };
  }
}

/** The fixed beginnings of the patterns; undefined if one may begin with anything. */
function prefixesOf(patterns: readonly PathPattern[]): readonly string[] | undefined {
  const prefixes = patterns.map(({ text }) => text.replace(/\/\*\*$/, "").replace(/\/\*$/, ""));
  return prefixes.some((prefix) => /[*[\]?^\\]/.test(prefix)) ? undefined : prefixes;
}

function canHold(prefixes: readonly string[] | undefined, directory: string): boolean {
  return prefixes === undefined || prefixes.some((prefix) => `${prefix}/`.startsWith(`${directory}/`));
}
