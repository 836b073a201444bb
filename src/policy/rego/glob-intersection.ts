import { BuiltinError } from "./rego-error.ts";

/** Characters of one place, as ranges of code points, and how often it may come. */
interface Token {
  readonly ranges: ReadonlyArray<readonly [number, number]>;
  readonly isOptional: boolean;
  readonly isRepeated: boolean;
}

const ANY: Token["ranges"] = [[0, 0x10ffff]];

/** Whether some text that is not empty matches both. They are globs with `.`, `[a-z]`, `+`, `*` and `\`, from beginning to end. Throws BuiltinError. */
export function globsMeet(a: string, b: string): boolean {
  const [left, right] = [tokensOf(a), tokensOf(b)];
  // Of two that are empty, OPA says so too.
  if (left.length === 0 && right.length === 0) return true;
  const seen = new Set<number>();
  const waiting: Array<readonly [number, number, boolean]> = [[0, 0, false]];
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    const [i, j, some] = state;
    const key = (i * (right.length + 1) + j) * 2 + Number(some);
    if (seen.has(key)) continue;
    seen.add(key);
    const [one, other] = [left[i], right[j]];
    if (one === undefined && other === undefined && some) return true;
    if (one?.isOptional === true) waiting.push([i + 1, j, some]);
    if (other?.isOptional === true) waiting.push([i, j + 1, some]);
    if (one === undefined || other === undefined || !meet(one, other)) continue;
    for (const next of one.isRepeated ? [i, i + 1] : [i + 1]) for (const after of other.isRepeated ? [j, j + 1] : [j + 1]) waiting.push([next, after, true]);
  }
  return false;
}

function meet(a: Token, b: Token): boolean {
  return a.ranges.some(([from, to]) => b.ranges.some(([start, end]) => from <= end && start <= to));
}

function tokensOf(glob: string): readonly Token[] {
  const chars = Array.from(glob);
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? "";
    let ranges: Token["ranges"];
    if (char === "[") {
      const end = chars.findIndex((each, i) => i > at && each === "]" && chars[i - 1] !== "\\");
      if (end === -1) throw new BuiltinError(`input:${glob}, pos:${at}, the set is not closed`);
      ranges = classOf(chars.slice(at + 1, end), glob);
      at = end;
    } else if (char === "+" || char === "*") {
      throw new BuiltinError(`input:${glob}, pos:${at}, flag '${char}' must be preceded by a non-flag`);
    } else if (char === ".") ranges = ANY;
    else ranges = single(char === "\\" ? chars[++at] : char, glob);
    const flag = chars[at + 1];
    if (flag === "+" || flag === "*") at++;
    tokens.push({ ranges, isOptional: flag === "*", isRepeated: flag === "+" || flag === "*" });
  }
  return tokens;
}

function single(char: string | undefined, glob: string): Token["ranges"] {
  const point = char?.codePointAt(0);
  if (point === undefined) throw new BuiltinError(`input:${glob}, nothing is escaped`);
  return [[point, point]];
}

function classOf(members: readonly string[], glob: string): Token["ranges"] {
  const points: Array<number | "-"> = [];
  for (let at = 0; at < members.length; at++) {
    const char = members[at] ?? "";
    points.push(char === "-" ? "-" : (single(char === "\\" ? members[++at] : char, glob)[0]?.[0] ?? 0));
  }
  const ranges: Array<readonly [number, number]> = [];
  for (let at = 0; at < points.length; at++) {
    const [from, dash, to] = points.slice(at, at + 3);
    if (from === undefined || from === "-" || to === "-") throw new BuiltinError(`input:${glob}, - in a set stands between two characters`);
    if (dash !== "-" || to === undefined) {
      ranges.push([from, from]);
      continue;
    }
    if (to < from) throw new BuiltinError(`input:${glob}, a range of a set ends before it begins`);
    ranges.push([from, to]);
    at += 2;
  }
  return ranges;
}
