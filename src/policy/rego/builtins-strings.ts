import { sprintf } from "../../template/sprintf.ts";
import { FLOAT64, INT, STRING } from "../../template/go-type.ts";
import { parseTemplate } from "../../template/template.ts";
import { TemplateError } from "../../template/template-error.ts";
import { GoValue } from "../../template/value.ts";
import { arrayOf, builtin, membersOf, objectOf, stringOf, type BuiltinTable } from "./builtin-table.ts";
import { integerOf } from "./number.ts";
import { BuiltinError } from "./rego-error.ts";
import { isArray, jsonText, RegoSet, regoText, type RegoObject, type Value } from "./value.ts";

export const STRINGS: BuiltinTable = {
  "strings.render_template": builtin(2, ([template, values]) => rendered(stringOf(template), objectOf(values))),
  concat: builtin(2, ([separator, parts]) => membersOf(parts).map(stringOf).join(stringOf(separator))),
  contains: builtin(2, ([text, part]) => stringOf(text).includes(stringOf(part))),
  startswith: builtin(2, ([text, part]) => stringOf(text).startsWith(stringOf(part))),
  endswith: builtin(2, ([text, part]) => stringOf(text).endsWith(stringOf(part))),
  indexof: builtin(2, ([text, part]) => indexes(stringOf(text), needle(part))[0] ?? -1),
  indexof_n: builtin(2, ([text, part]) => indexes(stringOf(text), needle(part))),
  lower: builtin(1, ([text]) => stringOf(text).toLowerCase()),
  upper: builtin(1, ([text]) => stringOf(text).toUpperCase()),
  replace: builtin(3, ([text, from, to]) => stringOf(text).replaceAll(stringOf(from), () => stringOf(to))),
  "strings.replace_n": builtin(2, ([pairs, text]) => replaceAll(objectOf(pairs).entries(), stringOf(text))),
  "strings.reverse": builtin(1, ([text]) => Array.from(stringOf(text)).toReversed().join("")),
  "strings.count": builtin(2, ([text, part]) => stringOf(text).split(stringOf(part)).length - 1),
  "strings.any_prefix_match": builtin(2, ([texts, parts]) => textsOf(texts).some((text) => textsOf(parts).some((part) => text.startsWith(part)))),
  "strings.any_suffix_match": builtin(2, ([texts, parts]) => textsOf(texts).some((text) => textsOf(parts).some((part) => text.endsWith(part)))),
  split: builtin(2, ([text, separator]) => (separator === "" ? Array.from(stringOf(text)) : stringOf(text).split(stringOf(separator)))),
  sprintf: builtin(2, ([format, args]) => sprintf(stringOf(format), arrayOf(args).map(goValue))),
  substring: builtin(3, ([text, from, length]) => substring(stringOf(text), integerOf(from), integerOf(length))),
  trim: builtin(2, ([text, cutset]) => trimmedRight(trimmedLeft(stringOf(text), stringOf(cutset)), stringOf(cutset))),
  trim_left: builtin(2, ([text, cutset]) => trimmedLeft(stringOf(text), stringOf(cutset))),
  trim_right: builtin(2, ([text, cutset]) => trimmedRight(stringOf(text), stringOf(cutset))),
  trim_prefix: builtin(2, ([text, part]) => (stringOf(text).startsWith(stringOf(part)) ? stringOf(text).slice(stringOf(part).length) : stringOf(text))),
  trim_suffix: builtin(2, ([text, part]) => (part !== "" && stringOf(text).endsWith(stringOf(part)) ? stringOf(text).slice(0, -stringOf(part).length) : stringOf(text))),
  trim_space: builtin(1, ([text]) => stringOf(text).trim()),
};

function needle(value: Value | undefined): string {
  const part = stringOf(value);
  if (part === "") throw new BuiltinError("empty search character");
  return part;
}

/** Positions are those of characters. */
function indexes(text: string, part: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) found.push(Array.from(text.slice(0, at)).length);
  return found;
}

function textsOf(value: Value | undefined): readonly string[] {
  if (typeof value === "string") return [value];
  return value instanceof RegoSet || (value !== undefined && isArray(value)) ? membersOf(value).map(stringOf) : [stringOf(value)];
}

/** In one pass: what was put in is not replaced again. */
function replaceAll(pairs: ReadonlyArray<readonly [Value, Value]>, text: string): string {
  let result = "";
  for (let at = 0; at < text.length;) {
    const pair = pairs.find(([from]) => from !== "" && text.startsWith(stringOf(from), at));
    result += pair === undefined ? text.charAt(at) : stringOf(pair[1]);
    at += pair === undefined ? 1 : stringOf(pair[0]).length;
  }
  return result;
}

/** What is no text and no number is printed as Rego writes it. */
function goValue(value: Value): GoValue {
  if (typeof value === "number") return Number.isInteger(value) ? new GoValue(INT, BigInt(value)) : new GoValue(FLOAT64, value);
  if (typeof value === "bigint") return new GoValue(INT, value);
  return new GoValue(STRING, typeof value === "string" ? value : regoText(value));
}

function substring(text: string, from: number, length: number): string {
  if (from < 0) throw new BuiltinError("negative offset");
  return Array.from(text).slice(from, length < 0 ? undefined : from + length).join("");
}

function trimmedLeft(text: string, cutset: string): string {
  const chars = Array.from(text);
  const from = chars.findIndex((char) => !cutset.includes(char));
  return from === -1 ? "" : chars.slice(from).join("");
}

function trimmedRight(text: string, cutset: string): string {
  const chars = Array.from(text);
  return chars.slice(0, chars.findLastIndex((char) => !cutset.includes(char)) + 1).join("");
}

/** Go's text/template. */
function rendered(template: string, values: RegoObject): string {
  try {
    return parseTemplate("template", template).execute(JSON.parse(jsonText(values))).replaceAll("<no value>", "<undefined>");
  } catch (error) {
    if (error instanceof TemplateError) throw new BuiltinError(error.message, { cause: error });
    throw error;
  }
}
