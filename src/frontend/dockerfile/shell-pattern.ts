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

/**
 * Where the pattern ends when it begins at `start`; undefined when it does not match there. `greedy` stars take as much
 * as they can, others as little. No wildcard takes a line feed.
 */
export function matchShellPattern(tokens: readonly PatternToken[], chars: readonly string[], start: number, greedy: boolean): number | undefined {
  return new Matcher(tokens, chars, greedy).matchFrom(0, start);
}

/** Backtracks over stars only, and never twice into the same state, so that hostile patterns stay cheap. */
class Matcher {
  readonly #tokens: readonly PatternToken[];
  readonly #chars: readonly string[];
  readonly #greedy: boolean;
  readonly #failed = new Set<number>();

  constructor(tokens: readonly PatternToken[], chars: readonly string[], greedy: boolean) {
    this.#tokens = tokens;
    this.#chars = chars;
    this.#greedy = greedy;
  }

  matchFrom(tokenAt: number, start: number): number | undefined {
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
    let limit = start;
    while (limit < this.#chars.length && this.#chars[limit] !== "\n") limit++;
    for (let taken = 0; taken <= limit - start; taken++) {
      const at = this.#greedy ? limit - taken : start + taken;
      const state = star * (this.#chars.length + 1) + at;
      if (this.#failed.has(state)) continue;
      const end = this.matchFrom(star + 1, at);
      if (end !== undefined) return end;
      this.#failed.add(state);
    }
    return undefined;
  }
}
