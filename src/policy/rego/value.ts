/** A value of Rego: JSON's, sets beside them, and any value as a key. Integers beyond 2^53 are bigint, and only these. */
export type Value = null | boolean | number | bigint | string | readonly Value[] | RegoObject | RegoSet;

/** Keys and values by the text that a key is known by. */
export class RegoObject {
  readonly #members: ReadonlyMap<string, readonly [key: Value, value: Value]>;

  /** Of two values for one key the last counts. */
  constructor(entries: Iterable<readonly [Value, Value]>) {
    this.#members = new Map([...entries].map((entry) => [keyOf(entry[0]), entry] as const));
  }

  static of(entries: Iterable<readonly [Value, Value]>): RegoObject {
    return new RegoObject(entries);
  }

  get(key: Value): Value | undefined {
    return this.#members.get(keyOf(key))?.[1];
  }

  /** In the order of Rego's values. */
  entries(): ReadonlyArray<readonly [Value, Value]> {
    return [...this.#members.values()].toSorted(([a], [b]) => compare(a, b));
  }

  /** For who only shows it: what is known of it. */
  shownEntries(): ReadonlyArray<readonly [Value, Value]> {
    return this.entries();
  }

  get size(): number {
    return this.entries().length;
  }
}

export class RegoSet {
  readonly #members: ReadonlyMap<string, Value>;

  constructor(members: Iterable<Value>) {
    this.#members = new Map([...members].map((member) => [keyOf(member), member]));
  }

  has(value: Value): boolean {
    return this.#members.has(keyOf(value));
  }

  values(): readonly Value[] {
    return [...this.#members.values()].toSorted(compare);
  }

  get size(): number {
    return this.#members.size;
  }
}

/** Equal values have equal keys, and only these. */
export function keyOf(value: Value): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (value instanceof RegoSet) return `<${value.values().map(keyOf).join(",")}>`;
  if (value instanceof RegoObject) return `{${value.entries().map(([key, each]) => `${keyOf(key)}:${keyOf(each)}`).join(",")}}`;
  return `[${value.map(keyOf).join(",")}]`;
}

export function isEqual(a: Value, b: Value): boolean {
  if (typeof a !== "object" || typeof b !== "object") return a === b;
  return a === b || compare(a, b) === 0;
}

/** Rego's order over all values: null, booleans, numbers, strings, arrays, objects, sets. */
export function compare(a: Value, b: Value): number {
  const difference = rankOf(a) - rankOf(b);
  if (difference !== 0) return difference;
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof RegoSet && b instanceof RegoSet) return compareLists(a.values(), b.values());
  if (a instanceof RegoObject && b instanceof RegoObject) return compareObjects(a, b);
  return isArray(a) && isArray(b) ? compareLists(a, b) : 0;
}

function compareObjects(a: RegoObject, b: RegoObject): number {
  const [these, those] = [a.entries(), b.entries()];
  const byKeys = compareLists(these.map(([key]) => key), those.map(([key]) => key));
  return byKeys === 0 ? compareLists(these.map(([, value]) => value), those.map(([, value]) => value)) : byKeys;
}

function compareLists(a: readonly Value[], b: readonly Value[]): number {
  for (const [i, value] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    const order = compare(value, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function rankOf(value: Value): number {
  return ["null", "boolean", "number", "string", "array", "object", "set"].indexOf(typeName(value));
}

export function typeName(value: Value): string {
  if (value === null) return "null";
  if (isNumber(value)) return "number";
  if (value instanceof RegoSet) return "set";
  if (value instanceof RegoObject) return "object";
  return isArray(value) ? "array" : typeof value;
}

export function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isNumber(value: Value): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

/** The one form of an integer. */
export function integer(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

/** What JSON has, as a value; what is undefined is left out. */
export function fromJson(json: unknown): Value {
  if (json === null || typeof json === "boolean" || typeof json === "string") return json;
  if (typeof json === "bigint") return integer(json);
  if (typeof json === "number") return json;
  if (Array.isArray(json)) return json.map(fromJson);
  if (json instanceof RegoObject || json instanceof RegoSet) return json;
  if (typeof json !== "object") throw new TypeError(`no value of JSON: ${typeof json}`);
  return RegoObject.of(Object.entries(json).filter(([, value]) => value !== undefined).map(([key, value]) => [key, fromJson(value)] as const));
}

/** As JSON: sets are lists, and keys are strings. */
export function jsonText(value: Value): string {
  if (value instanceof RegoSet) return `[${value.values().map(jsonText).join(",")}]`;
  if (value instanceof RegoObject) return `{${value.entries().map(([key, each]) => `${JSON.stringify(typeof key === "string" ? key : jsonText(key))}:${jsonText(each)}`).join(",")}}`;
  if (isArray(value)) return `[${value.map(jsonText).join(",")}]`;
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}

/** As Rego writes it. For `print` that is what is known of it, and for all else it is the whole. */
export function regoText(value: Value, extent: "whole" | "known" = "whole"): string {
  const text = (each: Value): string => regoText(each, extent);
  if (value instanceof RegoSet) return value.size === 0 ? "set()" : `{${value.values().map(text).join(", ")}}`;
  if (value instanceof RegoObject) return `{${(extent === "known" ? value.shownEntries() : value.entries()).map(([key, each]) => `${text(key)}: ${text(each)}`).join(", ")}}`;
  if (isArray(value)) return `[${value.map(text).join(", ")}]`;
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}
