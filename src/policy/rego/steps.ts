import { isArray, isNumber, RegoObject, RegoSet, type Value } from "./value.ts";

/** One step into a value; undefined where it leads nowhere. */
export function stepInto(value: Value, key: Value): Value | undefined {
  if (value instanceof RegoObject) return value.get(key);
  if (value instanceof RegoSet) return value.has(key) ? key : undefined;
  return value !== null && isArray(value) && isNumber(key) ? value[Number(key)] : undefined;
}

/** What a collection has, each by its key: a set's members are their own. Nothing, for what is no collection. */
export function memberKeys(value: Value): ReadonlyArray<readonly [key: Value, value: Value]> {
  if (value instanceof RegoObject) return value.entries();
  if (value instanceof RegoSet) return value.values().map((each) => [each, each] as const);
  return value !== null && isArray(value) ? value.map((each, i) => [i, each] as const) : [];
}
