import { arrayOf, objectOf, stringOf } from "./builtin-table.ts";
import { BuiltinError } from "./rego-error.ts";
import { isArray, isEqual, RegoObject, RegoSet, typeName, type Value } from "./value.ts";

/** RFC 6902. Paths may be lists of keys as well, and members of sets are their own keys. Throws BuiltinError for what cannot be applied. */
export function patched(document: Value, operations: readonly Value[]): Value {
  return operations.reduce<Value>((value, operation) => applied(value, objectOf(operation)), document);
}

function applied(document: Value, operation: RegoObject): Value {
  const path = pathOf(required(operation, "path"));
  const op = stringOf(required(operation, "op"));
  switch (op) {
    case "add":
      return withAdded(document, path, required(operation, "value"));
    case "remove":
      return without(document, path);
    case "replace":
      return withAdded(path.length === 0 ? document : without(document, path), path, required(operation, "value"));
    case "move": {
      const from = pathOf(required(operation, "from"));
      return withAdded(without(document, from), path, valueAt(document, from));
    }
    case "copy":
      return withAdded(document, path, valueAt(document, pathOf(required(operation, "from"))));
    case "test":
      if (!isEqual(valueAt(document, path), required(operation, "value"))) throw new BuiltinError("json.patch: the value is not the one that is to be there");
      return document;
    default:
      throw new BuiltinError(`unrecognized op: '${op}'`);
  }
}

function required(operation: RegoObject, name: string): Value {
  const value = operation.get(name);
  if (value === undefined) throw new BuiltinError(`missing required attribute '${name}'`);
  return value;
}

/** RFC 6901, where it is a text. The empty one is the whole. */
function pathOf(path: Value): readonly Value[] {
  if (typeof path !== "string") return arrayOf(path);
  if (path === "") return [];
  return path.replace(/^\//, "").split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function valueAt(document: Value, path: readonly Value[]): Value {
  return path.reduce<Value>((value, key) => childOf(value, key), document);
}

function childOf(value: Value, key: Value): Value {
  const child = isArray(value) ? value[indexIn(value, key, value.length - 1)] : value instanceof RegoObject ? value.get(key) : value instanceof RegoSet && value.has(key) ? key : undefined;
  if (child === undefined) throw new BuiltinError(`json.patch: there is no ${JSON.stringify(key)} in the ${typeName(value)}`);
  return child;
}

function withAdded(value: Value, [key, ...rest]: readonly Value[], added: Value): Value {
  if (key === undefined) return added;
  const inside = (): Value => (rest.length === 0 ? added : withAdded(childOf(value, key), rest, added));
  if (value instanceof RegoObject) return RegoObject.of([...value.entries().filter(([each]) => !isEqual(each, key)), [key, inside()]]);
  if (isArray(value)) {
    if (rest.length > 0) return value.with(indexIn(value, key, value.length - 1), inside());
    return value.toSpliced(key === "-" ? value.length : indexIn(value, key, value.length), 0, added);
  }
  if (!(value instanceof RegoSet)) throw new BuiltinError(`json.patch: a ${typeName(value)} has no members`);
  // What is put into a set is its own name.
  if (rest.length === 0 && !isEqual(key, added)) throw new BuiltinError("json.patch: a member of a set is named by itself");
  return new RegoSet([...value.values().filter((each) => rest.length === 0 || !isEqual(each, key)), inside()]);
}

function without(value: Value, [key, ...rest]: readonly Value[]): Value {
  if (key === undefined) throw new BuiltinError("json.patch: the whole cannot be removed");
  const child = childOf(value, key);
  if (rest.length > 0) return replacedChild(value, key, without(child, rest));
  if (value instanceof RegoObject) return RegoObject.of(value.entries().filter(([each]) => !isEqual(each, key)));
  return isArray(value) ? value.toSpliced(indexIn(value, key, value.length - 1), 1) : new RegoSet(value instanceof RegoSet ? value.values().filter((each) => !isEqual(each, key)) : []);
}

function replacedChild(value: Value, key: Value, child: Value): Value {
  if (value instanceof RegoObject) return RegoObject.of([...value.entries().filter(([each]) => !isEqual(each, key)), [key, child]]);
  if (isArray(value)) return value.with(indexIn(value, key, value.length - 1), child);
  return new RegoSet([...(value instanceof RegoSet ? value.values().filter((each) => !isEqual(each, key)) : []), child]);
}

function indexIn(list: readonly Value[], key: Value, max: number): number {
  const index = typeof key === "number" ? key : typeof key === "string" && /^(?:0|[1-9]\d*)$/.test(key) ? Number(key) : -1;
  if (!Number.isInteger(index) || index < 0 || index > max) throw new BuiltinError(`json.patch: ${JSON.stringify(key)} is no place in a list of ${list.length}`);
  return index;
}
