import { builtin, type BuiltinTable, type Row, type Run } from "./builtin-table.ts";
import { minus, numberOf } from "./number.ts";
import { BuiltinError } from "./rego-error.ts";
import { compare, isArray, isEqual, isNumber, RegoObject, RegoSet, typeName, type Value } from "./value.ts";

const comparison = (holds: (order: number) => boolean): Row => builtin(2, ([a = null, b = null]) => holds(compare(a, b)));

/** OPA's: true, or no result at all. */
const isType = (name: string): Row => builtin(1, ([value = null]) => typeName(value) === name);

export const TYPES: BuiltinTable = {
  equal: builtin(2, ([a = null, b = null]) => isEqual(a, b)),
  neq: builtin(2, ([a = null, b = null]) => !isEqual(a, b)),
  lt: comparison((order) => order < 0),
  lte: comparison((order) => order <= 0),
  gt: comparison((order) => order > 0),
  gte: comparison((order) => order >= 0),
  "internal.member_2": builtin(2, ([member = null, collection = null]) => memberOf(member, collection)),
  "internal.member_3": builtin(3, ([key = null, value = null, collection = null]) => memberAt(key, value, collection)),
  // These are operators of sets too.
  minus: builtin(2, ([a, b]) => (a instanceof RegoSet && b instanceof RegoSet ? new RegoSet(a.values().filter((each) => !b.has(each))) : minus(numberOf(a), numberOf(b)))),
  and: builtin(2, setOperator((a, b) => new RegoSet(a.values().filter((each) => b.has(each))))),
  or: builtin(2, setOperator((a, b) => new RegoSet([...a.values(), ...b.values()]))),
  is_number: isType("number"),
  is_string: isType("string"),
  is_boolean: isType("boolean"),
  is_array: isType("array"),
  is_set: isType("set"),
  is_object: isType("object"),
  is_null: isType("null"),
  type_name: builtin(1, ([value = null]) => typeName(value)),
};

function setOperator(act: (a: RegoSet, b: RegoSet) => RegoSet): Run {
  return ([a, b]) => {
    if (!(a instanceof RegoSet) || !(b instanceof RegoSet)) throw new BuiltinError("operands must be sets");
    return act(a, b);
  };
}

function memberOf(member: Value, collection: Value): boolean {
  if (collection instanceof RegoSet) return collection.has(member);
  if (collection instanceof RegoObject) return collection.entries().some(([, value]) => isEqual(value, member));
  return isArray(collection) && collection.some((each) => isEqual(each, member));
}

function memberAt(key: Value, value: Value, collection: Value): boolean {
  if (collection instanceof RegoSet) return isEqual(key, value) && collection.has(value);
  const found = collection instanceof RegoObject ? collection.get(key) : isArray(collection) && isNumber(key) ? collection[Number(key)] : undefined;
  return found !== undefined && isEqual(found, value);
}
