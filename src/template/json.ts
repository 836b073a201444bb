import { formatInteger } from "./format-number.ts";
import { NO_FLAGS } from "./format-flags.ts";
import { GoValue, bytesOf, elementsOf, entriesOf, fieldOf, floatOf, inside, integerOf, isNil, isTrue, lengthOf, textOf, valueOf, type Maybe } from "./value.ts";
import { FunctionError } from "./template-error.ts";

export interface JsonStyle {
  /** For each level; the empty text writes all on one line. */
  readonly indent: string;
  /** Whether `<`, `>` and `&` are escaped, as Go does unless told otherwise. */
  readonly escapeHtml: boolean;
}

/** encoding/json of a value: maps with sorted keys, records in the order of their fields. */
export function valueJson(value: Maybe, style: JsonStyle): string {
  return write(value, style, style.indent === "" ? "" : "\n");
}

function write(value: Maybe, style: JsonStyle, newline: string): string {
  const held = inside(value);
  if (held === undefined || isNil(held)) return "null";
  switch (held.type.kind) {
    case "bool":
      return String(held.raw === true);
    case "string":
      return writeText(textOf(held), style);
    case "int":
    case "uint":
      return formatInteger(integerOf(held), 10, NO_FLAGS);
    case "float":
      return JSON.stringify(floatOf(held));
    case "bytes":
      return writeText(bytesOf(held).toString("base64"), style);
    case "slice":
      return bracket(["[", "]"], elementsOf(held).map((element) => write(element, style, newline + style.indent)), style, newline);
    case "map": {
      const members = entriesOf(held).map(([key, member]) => writeMember(key, member, style, newline));
      return bracket(["{", "}"], members, style, newline);
    }
    case "pointer":
      return write(new GoValue(held.type.element, held.raw), style, newline);
    case "struct": {
      if (held.type.json !== undefined) return write(valueOf(held.type.json(held.raw)), style, newline);
      return bracket(["{", "}"], fields(held).map(([key, member]) => writeMember(key, member, style, newline)), style, newline);
    }
    case "complex":
    case "func":
    case "any":
    case "value":
      throw new FunctionError(`json: unsupported type: ${held.type.kind}`);
  }
}

function fields(value: GoValue): Array<readonly [key: string, member: GoValue]> {
  if (value.type.kind !== "struct") return [];
  return value.type.fields.flatMap((field) => {
    const member = fieldOf(value, field);
    if (field.embedded === true) return fields(member);
    return field.omitEmpty === true && isEmpty(member) ? [] : [[field.json, member] as const];
  });
}

/** What "omitempty" omits; never a record. */
function isEmpty(value: GoValue): boolean {
  const { kind } = value.type;
  if (kind === "map" || kind === "slice" || kind === "bytes") return lengthOf(value) === 0;
  return !isTrue(value);
}

function writeMember(key: string, member: GoValue, style: JsonStyle, newline: string): string {
  return `${writeText(key, style)}:${newline === "" ? "" : " "}${write(member, style, newline + style.indent)}`;
}

function bracket([open, close]: readonly [string, string], parts: readonly string[], { indent }: JsonStyle, newline: string): string {
  if (parts.length === 0) return open + close;
  const inner = newline === "" ? "" : newline + indent;
  return `${open}${inner}${parts.join(`,${inner}`)}${newline}${close}`;
}

function writeText(text: string, { escapeHtml }: JsonStyle): string {
  const escaped = escapeHtml ? /[<>&\u2028\u2029]/g : /[\u2028\u2029]/g;
  return JSON.stringify(text.toWellFormed()).replace(escaped, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
