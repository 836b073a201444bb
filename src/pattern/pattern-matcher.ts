import { cleanPath } from "./clean-path.ts";
import { compilePattern, type CompiledPattern } from "./compile-pattern.ts";
import { PatternError } from "./pattern-error.ts";
import { matchPath } from "./path-match.ts";
import { trimSpace } from "./trim-space.ts";

/** What a parent directory's match said, pattern by pattern; undefined where no parent has been asked about. */
export interface ParentMatch {
  readonly matched: readonly boolean[];
}

export interface PathPattern {
  /** Cleaned, and without the `!` of an exclusion. */
  readonly text: string;
  /** Written with `!`: takes back what earlier patterns matched. */
  readonly exclusion: boolean;
}

/**
 * Matches paths against the patterns of an ignore file, as github.com/moby/patternmatcher does:
 * the last pattern that speaks of a path, or of a directory above it, decides.
 *
 * The constructor throws PatternError for a malformed pattern. Some are only found malformed
 * when they are used, as they are there; then the match throws.
 */
export class PatternMatcher {
  readonly patterns: readonly PathPattern[];
  /** True if there is a pattern with `!`. */
  readonly hasExclusions: boolean;
  readonly #compiled: ReadonlyArray<CompiledPattern | undefined>;

  constructor(patterns: readonly string[]) {
    this.patterns = patterns.flatMap(parsePattern);
    this.hasExclusions = this.patterns.some(({ exclusion }) => exclusion);
    this.#compiled = this.patterns.map(({ text }) => compilePattern(text));
  }

  /** Looks at one directory above, of as many components as the pattern has; what Docker did at first. */
  matches(file: string): boolean {
    const directories = parentComponents(file);
    return this.#decide(file, ({ text }, matchesPath) => {
      const depth = text.split("/").length;
      return depth <= directories.length && matchesPath(directories.slice(0, depth).join("/"));
    });
  }

  /** Looks at every directory above. */
  matchesOrParentMatches(file: string): boolean {
    const directories = parentComponents(file);
    return this.#decide(file, (_pattern, matchesPath) => someParent(directories, matchesPath));
  }

  /** The same answer as `matchesOrParentMatches` for a walk that hands each directory's match to its children. */
  matchesUsingParent(file: string, parent: ParentMatch | undefined): { readonly matched: boolean; readonly match: ParentMatch } {
    // Nothing takes it back: of what lies in there no pattern need be asked.
    if (parent !== undefined && !this.hasExclusions && parent.matched.includes(true)) return { matched: true, match: parent };
    let matched = false;
    const perPattern: boolean[] = [];
    for (const [i, pattern] of this.patterns.entries()) {
      let match = parent?.matched[i] ?? false;
      if (!match && pattern.exclusion === matched) {
        match = this.#match(i, file);
        if (!match && parent === undefined) match = someParent(parentComponents(file), (path) => this.#match(i, path));
      }
      perPattern.push(match);
      if (match) matched = !pattern.exclusion;
    }
    return { matched, match: { matched: perPattern } };
  }

  #decide(file: string, matchesParent: (pattern: PathPattern, matchesPath: (path: string) => boolean) => boolean): boolean {
    let matched = false;
    for (const [i, pattern] of this.patterns.entries()) {
      // An inclusion has nothing to add to a match, nor an exclusion to take from none.
      if (pattern.exclusion !== matched) continue;
      if (this.#match(i, file) || matchesParent(pattern, (path) => this.#match(i, path))) matched = !pattern.exclusion;
    }
    return matched;
  }

  #match(index: number, path: string): boolean {
    const compiled = this.#compiled[index];
    if (compiled === undefined) throw new PatternError("bad-pattern");
    return compiled(path);
  }
}

/** A matcher for a list that may be empty, which is no filter at all. Throws PatternError with the name of the list, as BuildKit does. */
export function matcherOf(name: "includepatterns" | "excludepatterns", patterns: readonly string[]): PatternMatcher | undefined {
  if (patterns.length === 0) return undefined;
  try {
    return new PatternMatcher(patterns);
  } catch (error) {
    if (error instanceof PatternError) throw new PatternError(error.code, `invalid ${name}: [${patterns.join(" ")}]: `);
    throw error;
  }
}

/** `matchesOrParentMatches` for one question. The root itself is never matched. */
export function matchesOrParentMatches(file: string, patterns: readonly string[]): boolean {
  const matcher = new PatternMatcher(patterns);
  const clean = cleanPath(file);
  return clean !== "." && matcher.matchesOrParentMatches(clean);
}

function parsePattern(pattern: string): PathPattern[] {
  const trimmed = trimSpace(pattern);
  if (trimmed === "") return [];
  const clean = cleanPath(trimmed);
  if (clean === "!") throw new PatternError("illegal-exclusion");
  const exclusion = clean.startsWith("!");
  const text = exclusion ? clean.slice(1) : clean;
  matchPath(text, ".");
  return [{ text, exclusion }];
}

/** The components of the directory of `file`; none when it lies in the root. */
function parentComponents(file: string): readonly string[] {
  const slash = file.lastIndexOf("/");
  if (slash === -1) return [];
  const directory = cleanPath(file.slice(0, slash + 1));
  return directory === "." ? [] : directory.split("/");
}

function someParent(directories: readonly string[], matches: (path: string) => boolean): boolean {
  return directories.some((_, depth) => matches(directories.slice(0, depth + 1).join("/")));
}
