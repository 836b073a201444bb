import type { Functions } from "./go-function.ts";
import { ANY, INT, STRING, sliceOf, typeName } from "./go-type.ts";
import { valueJson } from "./json.ts";
import { sprint } from "./sprintf.ts";
import { FunctionError } from "./template-error.ts";
import { GoValue, elementsOf, entriesOf, inside, integerOf, textOf, type Maybe } from "./value.ts";

/** The one function that `imagetools inspect --format` adds. */
export const JSON_INDENTED: Functions = {
  json: { parameters: [ANY], call: ([value]) => valueJson(value, { indent: "  ", escapeHtml: true }) },
};

/** What the templates of Docker's commands can call beside Go's own. */
export const DOCKER_FUNCTIONS: Functions = {
  json: { parameters: [ANY], call: ([value]) => valueJson(value, { indent: "", escapeHtml: false }) },
  split: { parameters: [STRING, STRING], call: ([text, separator]) => new GoValue(sliceOf(STRING), parts(string(text), string(separator))) },
  join: { parameters: [ANY, STRING], call: ([list, separator]) => elements(inside(list)).join(string(separator)) },
  title: { parameters: [STRING], call: ([text]) => title(string(text)) },
  lower: { parameters: [STRING], call: ([text]) => string(text).toLowerCase() },
  upper: { parameters: [STRING], call: ([text]) => string(text).toUpperCase() },
  pad: { parameters: [STRING, INT, INT], call: ([text, before, after]) => padded(string(text), before, after) },
  truncate: { parameters: [STRING, INT], call: ([text, length]) => truncated(string(text), length) },
};

function string(value: Maybe): string {
  return value === undefined ? "" : textOf(value);
}

function parts(text: string, separator: string): string[] {
  return separator === "" ? Array.from(text) : text.split(separator);
}

/** Elements of a slice or values of a map as they print. */
function elements(list: Maybe): string[] {
  if (list === undefined) return [];
  const { kind } = list.type;
  if (kind === "slice") return elementsOf(list).map((element) => sprint([element]));
  if (kind === "map") return entriesOf(list).map(([, member]) => sprint([member]));
  throw new FunctionError(`expected slice, got ${typeName(list.type)}`);
}

/** A capital where a word begins; an underscore does not end one. */
function title(text: string): string {
  return text.replace(/(?<![_\p{L}\p{Nd}]|[^\p{ASCII}\p{White_Space}])\p{L}/gu, (letter) => letter.toUpperCase());
}

function padded(text: string, before: Maybe, after: Maybe): string {
  return text === "" ? text : spaces(before) + text + spaces(after);
}

function spaces(count: Maybe): string {
  return " ".repeat(Math.max(0, number(count)));
}

/** Cuts bytes, even within a character, as Docker does. */
function truncated(text: string, length: Maybe): string {
  const bytes = Buffer.from(text);
  return bytes.length < number(length) ? text : bytes.subarray(0, Math.max(0, number(length))).toString("utf8");
}

function number(value: Maybe): number {
  return value === undefined ? 0 : Number(integerOf(value));
}
