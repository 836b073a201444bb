import { parseShellPattern, reverseShellPattern, ShellPatternMatcher } from "./shell-pattern.ts";

/** `${var#pattern}` and `${var##pattern}`: the value without what the pattern matches at its start. */
export function trimPrefix(value: string, pattern: string, greedy: boolean): string {
  const chars = Array.from(value);
  const end = new ShellPatternMatcher(parseShellPattern(pattern), chars, greedy).end(0);
  return end === undefined ? value : chars.slice(end).join("");
}

/** `${var%pattern}` and `${var%%pattern}`. */
export function trimSuffix(value: string, pattern: string, greedy: boolean): string {
  return reverse(trimPrefix(reverse(value), pattern, greedy));
}

/** The pattern that `trimSuffix` takes for a pattern as the user writes it; it also is what errors show. */
export const suffixPattern: (pattern: string) => string = reverseShellPattern;

/** `${var/pattern/replacement}`: the first match only, and the replacement as it stands. */
export function replaceFirst(value: string, pattern: string, replacement: string): string {
  const chars = Array.from(value);
  const matcher = new ShellPatternMatcher(parseShellPattern(pattern), chars, true);
  const match = findMatch(matcher, 0, chars.length);
  if (match === undefined) return value;
  return chars.slice(0, match.start).join("") + replacement + chars.slice(match.end).join("");
}

/** `${var//pattern/replacement}`. Here BuildKit also fills in `$0`, and drops any other `$name`, in the replacement. */
export function replaceAll(value: string, pattern: string, replacement: string): string {
  const chars = Array.from(value);
  const matcher = new ShellPatternMatcher(parseShellPattern(pattern), chars, true);
  let result = "";
  let copied = 0;
  for (let from = 0; from <= chars.length; ) {
    const match = findMatch(matcher, from, chars.length);
    if (match === undefined) break;
    result += chars.slice(copied, match.start).join("");
    // An empty match right behind the match before it does not count.
    if (match.end > copied || match.start === 0) result += fillTemplate(replacement, chars.slice(match.start, match.end).join(""));
    copied = match.end;
    from = Math.max(match.end, from + 1);
  }
  return result + chars.slice(copied).join("");
}

function findMatch(matcher: ShellPatternMatcher, from: number, last: number): { readonly start: number; readonly end: number } | undefined {
  for (let start = from; start <= last; start++) {
    const end = matcher.end(start);
    if (end !== undefined) return { start, end };
  }
  return undefined;
}

/** Templates of Go's regexp: `$name` and `${name}` are groups, of which only `0`, the match, exists; `$$` is `$`. */
function fillTemplate(template: string, matched: string): string {
  return template.replace(/\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu, (all: string, bare?: string, braced?: string) => {
    if (all === "$$") return "$";
    return /^0+$/.test(bare ?? braced ?? "") ? matched : "";
  });
}

function reverse(text: string): string {
  return Array.from(text).toReversed().join("");
}
