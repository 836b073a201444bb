import { INT, STRING, UINT8, canBeNil, typeName, type GoType } from "./go-type.ts";
import { FunctionError } from "./template-error.ts";
import { GoValue, elementType, elementsOf, inside, integerOf, lengthOf, memberOf, reach, textOf, typed, type Maybe } from "./value.ts";

/** `index x 1 "a"` is x[1]["a"]. */
export function index(item: Maybe, keys: readonly Maybe[]): Maybe {
  let at = inside(item);
  if (at === undefined) throw new FunctionError("index of untyped nil");
  for (const key of keys) {
    const { value, isNil } = reach(at);
    if (isNil || value === undefined) throw new FunctionError("index of nil pointer");
    at = indexOnce(value, inside(key));
  }
  return at;
}

/** `slice x 1 2` is x[1:2]. */
export function slice(item: Maybe, bounds: readonly Maybe[]): Maybe {
  const value = inside(item);
  if (value === undefined) throw new FunctionError("slice of untyped nil");
  if (bounds.length > 3) throw new FunctionError(`too many slice indexes: ${bounds.length}`);
  const { kind } = value.type;
  if (kind === "string" && bounds.length === 3) throw new FunctionError("cannot 3-index slice a string");
  if (kind !== "string" && kind !== "slice" && kind !== "bytes") throw new FunctionError(`can't slice item of type ${typeName(value.type)}`);
  const size = lengthOf(value) ?? 0;
  const capacity = kind === "slice" ? grownCapacity(size) : size;
  const [start = 0, end = size, limit = capacity] = bounds.map((bound) => position(bound, capacity));
  if (start > end) throw new FunctionError(`invalid slice index: ${start} > ${end}`);
  if (end > limit) throw new FunctionError(`invalid slice index: ${end} > ${limit}`);
  return cut(value, start, end);
}

/** `len`, of strings in bytes. */
export function length(item: Maybe): GoValue {
  const { value, isNil } = reach(item);
  if (isNil) throw new FunctionError("len of nil pointer");
  if (value === undefined) throw new FunctionError("reflect: call of reflect.Value.Type on zero Value");
  const found = lengthOf(value);
  if (found === undefined) throw new FunctionError(`len of type ${typeName(value.type)}`);
  return new GoValue(INT, found);
}

/** A value as argument of a function that is itself data, or as a key. */
export function prepared(value: Maybe, type: GoType): GoValue {
  if (value === undefined) {
    if (!canBeNil(type)) throw new FunctionError(`value is nil; should be of type ${typeName(type)}`);
    return new GoValue(type, undefined);
  }
  if (type.kind === "any" || typeName(value.type) === typeName(type)) return value;
  throw new FunctionError(`value has type ${typeName(value.type)}; should be ${typeName(type)}`);
}

function indexOnce(value: GoValue, key: Maybe): GoValue {
  const { kind } = value.type;
  if (kind === "map") return memberOf(value, textOf(prepared(key, STRING))) ?? typed(elementType(value), undefined);
  if (kind !== "string" && kind !== "slice" && kind !== "bytes") throw new FunctionError(`can't index item of type ${typeName(value.type)}`);
  const at = position(key, lengthOf(value) ?? 0);
  const element = kind === "string" ? Buffer.from(textOf(value))[at] : elementsOf(value)[at];
  if (element === undefined) throw new FunctionError(`reflect: ${kind === "string" ? "string" : "slice"} index out of range`);
  return element instanceof GoValue ? element : new GoValue(UINT8, element);
}

function position(key: Maybe, max: number): number {
  if (key === undefined) throw new FunctionError("cannot index slice/array with nil");
  if (key.type.kind !== "int" && key.type.kind !== "uint") throw new FunctionError(`cannot index slice/array with type ${typeName(key.type)}`);
  const at = integerOf(key);
  if (at < 0n || at > BigInt(max)) throw new FunctionError(`index out of range: ${at}`);
  return Number(at);
}

/** A slice may be cut beyond its length up to its capacity, which Go's JSON decoder doubles as it reads. */
function grownCapacity(size: number): number {
  let capacity = size === 0 ? 0 : 1;
  while (capacity < size) capacity *= 2;
  return capacity;
}

function cut(value: GoValue, start: number, end: number): GoValue {
  if (value.type.kind === "string") return new GoValue(value.type, Buffer.from(textOf(value)).subarray(start, end).toString("utf8"));
  const elements = elementsOf(value);
  if (value.type.kind === "bytes") return new GoValue(value.type, Buffer.from(elements.slice(start, end).map((byte) => Number(integerOf(byte)))).toString("base64"));
  return new GoValue(value.type, Array.from({ length: end - start }, (_none, offset) => elements[start + offset]));
}
