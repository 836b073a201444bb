import { arrayOf, booleanOf, builtin, objectOf, stringOf, type BuiltinTable } from "./builtin-table.ts";
import { patched } from "./json-patch.ts";
import { readNumber } from "./number.ts";
import { BuiltinError } from "./rego-error.ts";
import { fromJson, isArray, jsonText, RegoObject, RegoSet, type Value } from "./value.ts";

export const ENCODINGS: BuiltinTable = {
  "json.marshal": builtin(1, ([value = null]) => jsonText(value)),
  "json.marshal_with_options": builtin(2, ([value = null, options]) => indentedJson(value, objectOf(options))),
  "json.patch": builtin(2, ([value = null, operations]) => patched(value, arrayOf(operations))),
  "json.unmarshal": builtin(1, ([text]) => parseJson(stringOf(text))),
  "json.is_valid": builtin(1, ([text]) => typeof text === "string" && isJson(text)),
  "base64.encode": builtin(1, ([text]) => Buffer.from(stringOf(text)).toString("base64")),
  "base64.decode": builtin(1, ([text]) => decoded(stringOf(text), "base64")),
  "base64.is_valid": builtin(1, ([text]) => isEncoded(stringOf(text), "base64")),
  "base64url.encode": builtin(1, ([text]) => padded(Buffer.from(stringOf(text)).toString("base64url"))),
  "base64url.encode_no_pad": builtin(1, ([text]) => Buffer.from(stringOf(text)).toString("base64url")),
  "base64url.decode": builtin(1, ([text]) => decoded(stringOf(text).replace(/=+$/, ""), "base64url")),
  "hex.encode": builtin(1, ([text]) => Buffer.from(stringOf(text)).toString("hex")),
  "hex.decode": builtin(1, ([text]) => decoded(stringOf(text), "hex")),
  "urlquery.encode": builtin(1, ([text]) => queryText(stringOf(text))),
  "urlquery.decode": builtin(1, ([text]) => queryValue(stringOf(text))),
  "urlquery.encode_object": builtin(1, ([object]) => encodedObject(objectOf(object))),
  "urlquery.decode_object": builtin(1, ([text]) => decodedObject(stringOf(text))),
};

/** Keeps large integers as they are. Throws BuiltinError. */
export function parseJson(text: string): Value {
  // TypeScript's library does not know what a reviver is told besides (ECMAScript 2027, in Node since 22).
  const exact = (_key: string, value: unknown, { source }: { readonly source?: string } = {}): unknown => (typeof value === "number" && source !== undefined ? (readNumber(source) ?? value) : value);
  try {
    return fromJson(JSON.parse(text, exact as (key: string, value: unknown) => unknown));
  } catch (error) {
    if (error instanceof SyntaxError) throw new BuiltinError(`invalid JSON: ${error.message}`, { cause: error });
    throw error;
  }
}

/** `indent` or `prefix` mean that it is to be in lines; `pretty` says so, or the contrary. */
function indentedJson(value: Value, options: RegoObject): string {
  const unknown = options.entries().find(([name]) => !["prefix", "indent", "pretty"].includes(stringOf(name)));
  if (unknown !== undefined) throw new BuiltinError(`object contained unknown key ${stringOf(unknown[0])}`);
  const [prefix, indent, pretty] = [options.get("prefix"), options.get("indent"), options.get("pretty")];
  const isPretty = pretty === undefined ? prefix !== undefined || indent !== undefined : booleanOf(pretty);
  if (!isPretty) return jsonText(value);
  const style = { prefix: prefix === undefined ? "" : stringOf(prefix), indent: indent === undefined ? "\t" : stringOf(indent) };
  return style.prefix + indented(value, `\n${style.prefix}`, style.indent);
}

function indented(value: Value, line: string, indent: string): string {
  const inner = line + indent;
  const members = value instanceof RegoObject ? value.entries().map(([key, each]) => `${JSON.stringify(typeof key === "string" ? key : jsonText(key))}: ${indented(each, inner, indent)}`) : value instanceof RegoSet ? value.values().map((each) => indented(each, inner, indent)) : isArray(value) ? value.map((each) => indented(each, inner, indent)) : undefined;
  if (members === undefined) return jsonText(value);
  const [open, close] = value instanceof RegoObject ? "{}" : "[]";
  return members.length === 0 ? `${open}${close}` : `${open}${inner}${members.join(`,${inner}`)}${line}${close}`;
}

function isJson(text: string): boolean {
  try {
    parseJson(text);
    return true;
  } catch (error) {
    if (error instanceof BuiltinError) return false;
    throw error;
  }
}

type Encoding = "base64" | "base64url" | "hex";

/** Node reads what it can of a wrong text, so the way back has to come to the same. */
function isEncoded(text: string, encoding: Encoding): boolean {
  return Buffer.from(text, encoding).toString(encoding) === (encoding === "hex" ? text.toLowerCase() : text);
}

function decoded(text: string, encoding: Encoding): string {
  if (!isEncoded(text, encoding)) throw new BuiltinError(`illegal ${encoding} data`);
  return Buffer.from(text, encoding).toString("utf8");
}

function padded(text: string): string {
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

function queryText(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1).replaceAll("*", "%2A");
}

function queryValue(text: string): string {
  return new URLSearchParams(`x=${text.replaceAll("&", "%26")}`).get("x") ?? "";
}

function encodedObject(object: RegoObject): string {
  const each = (value: Value): readonly Value[] => (isArray(value) ? value : [value]);
  return object.entries().flatMap(([key, value]) => each(value).map((one) => `${queryText(stringOf(key))}=${queryText(stringOf(one))}`)).join("&");
}

function decodedObject(text: string): RegoObject {
  const query = new URLSearchParams(text);
  return RegoObject.of([...new Set(query.keys())].map((key) => [key, query.getAll(key)] as const));
}
