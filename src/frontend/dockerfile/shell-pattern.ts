/** One step of a shell pattern: a character, `?` or `*`. */
export type PatternToken = { readonly kind: "char"; readonly char: string } | { readonly kind: "any" } | { readonly kind: "star" };

/** Why a pattern cannot be used; the caller says which pattern. */
export class ShellPatternError extends Error {
  override readonly name = "ShellPatternError";
}

/**
 * Reads the pattern of `${var#pattern}` and its kin: `*`, `?`, and `\` before `*`, `?`, `\`. A `\` before `}` or `/` is
 * of the substitution, not of the pattern. There are no bracket expressions.
 */
export function parseShellPattern(pattern: string): readonly PatternToken[] {
  const tokens: PatternToken[] = [];
  const chars = Array.from(pattern.replace(/^\ufeff/, ""));
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? "";
    if (char === "*") tokens.push({ kind: "star" });
    else if (char === "?") tokens.push({ kind: "any" });
    else if (char !== "\\") tokens.push({ kind: "char", char });
    else if (chars[at + 1] !== "}" && chars[at + 1] !== "/") tokens.push(escapedToken(chars[++at]));
  }
  return tokens;
}

function escapedToken(char: string | undefined): PatternToken {
  if (char !== "*" && char !== "?" && char !== "\\") throw new ShellPatternError(`invalid escape '\\${char ?? "\ufffd"}'`);
  return { kind: "char", char };
}

/** The pattern read from its end, for matching a suffix in a reversed text. An escape stays before its character. */
export function reverseShellPattern(pattern: string): string {
  const units: string[] = [];
  const chars = Array.from(pattern);
  for (let at = 0; at < chars.length; at++) {
    const isEscape = chars[at] === "\\" && at + 1 < chars.length;
    units.push(isEscape ? `\\${chars[++at] ?? ""}` : (chars[at] ?? ""));
  }
  return units.toReversed().join("");
}

/** Far more than anybody writes, and far less than the stack holds. */
const STARS_MAX = 500;

/**
 * Matches one pattern against one text. `greedy` stars take as much as they can, others as little; no wildcard takes a line
 * feed. What failed once is not tried again, also from another start, so hostile patterns stay cheap.
 */
export class ShellPatternMatcher {
  readonly #tokens: readonly PatternToken[];
  readonly #chars: readonly string[];
  readonly #greedy: boolean;
  /** For a star and the end of a line: the place from which on all that follows the star fails. */
  readonly #failed = new Map<number, number>();
  #line = { start: 0, end: -1 };

  /** Throws ShellPatternError for more stars than a search can go through. */
  constructor(tokens: readonly PatternToken[], chars: readonly string[], greedy: boolean) {
    // Stars in a row match what one does.
    this.#tokens = tokens.filter(({ kind }, at) => kind !== "star" || tokens[at - 1]?.kind !== "star");
    if (this.#tokens.filter(({ kind }) => kind === "star").length > STARS_MAX) throw new ShellPatternError(`more than ${STARS_MAX} stars`);
    this.#chars = chars;
    this.#greedy = greedy;
  }

  /** Where the pattern ends when it begins at `start`; undefined when it does not match there. */
  end(start: number): number | undefined {
    return this.#matchFrom(0, start);
  }

  #matchFrom(tokenAt: number, start: number): number | undefined {
    let at = start;
    for (let index = tokenAt; index < this.#tokens.length; index++) {
      const token = this.#tokens[index];
      if (token?.kind === "star") return this.#matchStar(index, at);
      const char = this.#chars[at];
      if (char === undefined || (token?.kind === "char" ? char !== token.char : char === "\n")) return undefined;
      at++;
    }
    return at;
  }

  #matchStar(star: number, start: number): number | undefined {
    const lineEnd = this.#lineEnd(start);
    const key = star * (this.#chars.length + 1) + lineEnd;
    const failedFrom = this.#failed.get(key) ?? lineEnd + 1;
    for (let tried = 0; tried < failedFrom - start; tried++) {
      const end = this.#matchFrom(star + 1, this.#greedy ? failedFrom - 1 - tried : start + tried);
      if (end !== undefined) return end;
    }
    this.#failed.set(key, Math.min(failedFrom, start));
    return undefined;
  }

  #lineEnd(at: number): number {
    if (at < this.#line.start || at > this.#line.end) {
      const feed = this.#chars.indexOf("\n", at);
      this.#line = { start: at, end: feed === -1 ? this.#chars.length : feed };
    }
    return this.#line.end;
  }
}
