import { expandTemplate } from "../expand-template.ts";
import { goRegExp, PatternError } from "../regular-expression.ts";
import { arrayOf, builtin, stringOf, type BuiltinTable } from "./builtin-table.ts";
import { globExpression } from "./glob.ts";
import { integerOf } from "./number.ts";
import { BuiltinError } from "./rego-error.ts";
import type { Value } from "./value.ts";

export const PATTERNS: BuiltinTable = {
  "regex.is_valid": builtin(1, ([pattern]) => typeof pattern === "string" && isValid(pattern)),
  "regex.match": builtin(2, ([pattern, text]) => expression(pattern).test(stringOf(text))),
  re_match: builtin(2, ([pattern, text]) => expression(pattern).test(stringOf(text))),
  "regex.split": builtin(2, ([pattern, text]) => splitBy(expression(pattern, "g"), stringOf(text))),
  "regex.find_n": builtin(3, ([pattern, text, count]) => limited([...stringOf(text).matchAll(expression(pattern, "g"))].map(([whole]) => whole), count)),
  "regex.find_all_string_submatch_n": builtin(3, ([pattern, text, count]) => limited([...stringOf(text).matchAll(expression(pattern, "g"))].map((match) => Array.from(match, (group: string | undefined) => group ?? "")), count)),
  "regex.replace": builtin(3, ([text, pattern, value]) => replaced(stringOf(text), expression(pattern, "g"), stringOf(value))),
  "glob.match": builtin(3, ([pattern, delimiters, text]) => globExpression(stringOf(pattern), delimiters === null ? [] : delimitersOf(arrayOf(delimiters))).test(stringOf(text))),
  "glob.quote_meta": builtin(1, ([text]) => stringOf(text).replace(/[*?\\[\]{}]/g, "\\$&")),
};

function delimitersOf(delimiters: readonly Value[]): readonly string[] {
  return delimiters.length === 0 ? ["."] : delimiters.map(stringOf);
}

function expression(pattern: Value | undefined, flags: "" | "g" = ""): RegExp {
  try {
    return goRegExp(stringOf(pattern), flags);
  } catch (error) {
    if (error instanceof PatternError) throw new BuiltinError(error.message, { cause: error });
    throw error;
  }
}

function isValid(pattern: string): boolean {
  try {
    goRegExp(pattern);
    return true;
  } catch (error) {
    if (error instanceof PatternError) return false;
    throw error;
  }
}

/** Below zero is without limit. */
function limited(values: readonly Value[], count: Value | undefined): readonly Value[] {
  const limit = integerOf(count);
  return limit < 0 ? values : values.slice(0, limit);
}

/** Groups are no parts of the result, as they are in JavaScript's split. */
function splitBy(separator: RegExp, text: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (const match of text.matchAll(separator)) {
    if (match[0] === "" && match.index === 0) continue;
    parts.push(text.slice(from, match.index));
    from = match.index + match[0].length;
  }
  return [...parts, text.slice(from)];
}

function replaced(text: string, pattern: RegExp, template: string): string {
  let result = "";
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    result += text.slice(from, match.index) + expandTemplate(template, match);
    from = match.index + match[0].length;
  }
  return result + text.slice(from);
}
