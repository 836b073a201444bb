import { goJson } from "../content/go-json.ts";

/** JSON before it is written: members that are undefined are left out, and int64 stays exact. */
export type JsonTree = undefined | null | boolean | number | bigint | string | readonly JsonTree[] | JsonObject;
export interface JsonObject {
  readonly [member: string]: JsonTree;
}

/** Go's bytes: its escapes, its numbers, its two blanks where a file is to be read by people. */
export function renderJson(tree: JsonTree, form: "compact" | "indented"): string {
  return goJson(writable(tree), form === "indented" ? "  " : undefined);
}

/** Integers stay exact. Throws SyntaxError. */
export function parseJsonTree(text: string): JsonTree {
  // Reviver's third argument is of ECMAScript 2027, and in Node since 22.
  const parse = JSON.parse as (text: string, reviver: (key: string, value: JsonTree, context: { readonly source: string }) => JsonTree) => JsonTree;
  return parse(text, (_key, value, { source }) => (typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? BigInt(source) : value));
}

/**
 * What Go makes of a value that it writes, reads as untyped and writes again: keys sorted, and numbers rounded to
 * the nearest that a float can hold. BuildKit does that with its internal parameters.
 */
export function asGoMap(tree: JsonTree): JsonTree {
  if (typeof tree === "bigint") return Number(tree);
  if (isList(tree)) return tree.map(asGoMap);
  return isObject(tree) ? sortedObject(Object.entries(tree).map(([key, member]) => [key, asGoMap(member)])) : tree;
}

/** Members in the order of their keys' bytes, as Go writes a map. */
export function sortedObject(members: Iterable<readonly [key: string, member: JsonTree]>): JsonObject {
  return Object.fromEntries([...members].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
}

/** Go's omitempty for lists. */
export function nonEmptyList<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** Go's omitempty for maps. */
export function nonEmptyObject(object: JsonObject): JsonObject | undefined {
  return Object.keys(object).length === 0 ? undefined : object;
}

export function isObject(tree: JsonTree): tree is JsonObject {
  return typeof tree === "object" && tree !== null && !isList(tree);
}

export function isList(tree: JsonTree): tree is readonly JsonTree[] {
  return Array.isArray(tree);
}

function writable(tree: JsonTree): unknown {
  if (typeof tree === "bigint") return exactNumber(tree);
  if (isList(tree)) return tree.map(writable);
  return isObject(tree) ? Object.fromEntries(Object.entries(tree).map(([key, member]) => [key, writable(member)])) : tree;
}

/** TypeScript's library does not know JSON.rawJSON (ECMAScript 2027, in Node since 22). */
const { rawJSON } = JSON as typeof JSON & { readonly rawJSON: (text: string) => object };

function exactNumber(value: bigint): unknown {
  const text = value.toString();
  return String(Number(value)) === text ? Number(value) : rawJSON(text);
}
