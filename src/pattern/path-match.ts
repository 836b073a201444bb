import { PatternError } from "./pattern-error.ts";

/**
 * Tells whether a shell pattern matches the whole of `name`, as Go's `path.Match`: `*` and `?`
 * stop at slashes, `[a-z]` and `[^a-z]` are classes, a backslash takes the next character as it
 * is. Throws PatternError for a malformed pattern, whatever the name.
 */
export function matchPath(pattern: string, name: string): boolean {
  const tokens = parsePattern(pattern);
  const text = Array.from(name);
  // Where to go back to when what follows the last star does not fit: one star is enough to remember, as the
  // earlier ones have matched as little as they could.
  let star: { readonly token: number; text: number } | undefined;
  let t = 0;
  let i = 0;
  while (i < text.length || t < tokens.length) {
    const token = tokens[t];
    if (token?.kind === "star") {
      star = { token: t, text: i };
      t += 1;
      continue;
    }
    const character = text[i];
    if (token !== undefined && character !== undefined && matchesOne(token, character)) {
      t += 1;
      i += 1;
      continue;
    }
    const skipped = star === undefined ? undefined : text[star.text];
    if (star === undefined || skipped === undefined || skipped === "/") return false;
    star.text += 1;
    t = star.token + 1;
    i = star.text;
  }
  return true;
}

/** True when a name holds a character that `matchPath` gives a meaning to. */
export function hasWildcards(name: string): boolean {
  return /[*?[]/.test(name.replaceAll(/\\[^]?/g, ""));
}

/** Splits a path where its first component with a wildcard begins: the fixed part, and the rest. */
export function splitWildcards(path: string): { readonly fixed: string; readonly wild: string } {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  const first = parts.findIndex(hasWildcards);
  const at = first === -1 ? parts.length : first;
  return { fixed: (path.startsWith("/") ? "/" : "") + parts.slice(0, at).join("/"), wild: parts.slice(at).join("/") };
}

type Token =
  | { readonly kind: "star" }
  | { readonly kind: "any" }
  | { readonly kind: "literal"; readonly character: string }
  | { readonly kind: "class"; readonly negated: boolean; readonly ranges: ReadonlyArray<readonly [low: number, high: number]> };

function matchesOne(token: Token, character: string): boolean {
  switch (token.kind) {
    case "star":
      return false;
    case "any":
      return character !== "/";
    case "literal":
      return character === token.character;
    case "class": {
      const code = character.codePointAt(0) ?? 0;
      return token.ranges.some(([low, high]) => low <= code && code <= high) !== token.negated;
    }
  }
}

function parsePattern(pattern: string): readonly Token[] {
  const characters = Array.from(pattern);
  const tokens: Token[] = [];
  let i = 0;
  while (i < characters.length) {
    const character = characters[i] ?? "";
    if (character === "[") {
      const parsed = parseClass(characters, i + 1);
      tokens.push(parsed.token);
      i = parsed.next;
      continue;
    }
    if (character === "\\") i += 1;
    const taken = characters[i];
    if (taken === undefined) throw new PatternError("bad-pattern");
    if (character === "*") tokens.push({ kind: "star" });
    else if (character === "?") tokens.push({ kind: "any" });
    else tokens.push({ kind: "literal", character: taken });
    i += 1;
  }
  return tokens;
}

function parseClass(characters: readonly string[], start: number): { readonly token: Token; readonly next: number } {
  let i = start;
  const negated = characters[i] === "^";
  if (negated) i += 1;
  const ranges: Array<readonly [number, number]> = [];
  while (characters[i] !== "]" || ranges.length === 0) {
    const low = parseClassEnd(characters, i);
    const high = characters[low.next] === "-" ? parseClassEnd(characters, low.next + 1) : low;
    ranges.push([low.code, high.code]);
    i = high.next;
  }
  return { token: { kind: "class", negated, ranges }, next: i + 1 };
}

/** One end of a range. A class must go on after it, so the pattern's last character cannot be one. */
function parseClassEnd(characters: readonly string[], start: number): { readonly code: number; readonly next: number } {
  const first = characters[start];
  if (first === undefined || first === "-" || first === "]") throw new PatternError("bad-pattern");
  const at = first === "\\" ? start + 1 : start;
  const code = characters[at]?.codePointAt(0);
  if (code === undefined || at + 1 >= characters.length) throw new PatternError("bad-pattern");
  return { code, next: at + 1 };
}
