import { expandTemplate } from "../expand-template.ts";
import { goRegExp, PatternError } from "../regular-expression.ts";
import { arrayOf, builtin, stringOf, type BuiltinTable } from "./builtin-table.ts";
import { globExpression } from "./glob.ts";
import { globsMeet } from "./glob-intersection.ts";
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
  "regex.template_match": builtin(4, ([template, text, start, end]) => templateExpression(stringOf(template), delimiterOf(start), delimiterOf(end)).test(stringOf(text))),
  "regex.globs_match": builtin(2, ([a, b]) => globsMeet(stringOf(a), stringOf(b))),
  "glob.match": builtin(3, ([pattern, delimiters, text]) => globExpression(stringOf(pattern), delimiters === null ? [] : delimitersOf(arrayOf(delimiters))).test(stringOf(text))),
  "glob.quote_meta": builtin(1, ([text]) => stringOf(text).replace(/[*?\\[\]{}]/g, "\\$&")),
};

function delimitersOf(delimiters: readonly Value[]): readonly string[] {
  return delimiters.length === 0 ? ["."] : delimiters.map(stringOf);
}

function delimiterOf(value: Value | undefined): string {
  const text = stringOf(value);
  if (text.length !== 1) throw new BuiltinError(`${text}: a delimiter has to be one character`);
  return text;
}

/** What is between the delimiters is a pattern, all else is meant as it stands. */
function templateExpression(template: string, start: string, end: string): RegExp {
  let [source, level, from] = ["", 0, 0];
  for (let at = 0; at < template.length; at++) {
    if (template[at] === start && ++level === 1) {
      source += quoted(template.slice(from, at));
      from = at + 1;
    } else if (template[at] === end && --level <= 0) {
      if (level < 0) break;
      source += `(${template.slice(from, at)})`;
      from = at + 1;
    }
  }
  if (level !== 0) throw new BuiltinError(`unbalanced braces in ${JSON.stringify(template)}`);
  return expression(`^${source}${quoted(template.slice(from))}$`);
}

function quoted(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
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
