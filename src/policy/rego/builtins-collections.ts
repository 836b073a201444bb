import { arrayOf, builtin, membersOf, objectOf, setOf, stringOf, type BuiltinTable } from "./builtin-table.ts";
import { integerOf } from "./number.ts";
import { BuiltinError } from "./rego-error.ts";
import { stepInto } from "./steps.ts";
import { isArray, isEqual, isNumber, RegoObject, RegoSet, type Value } from "./value.ts";

export const ARRAYS_AND_OBJECTS: BuiltinTable = {
  "array.concat": builtin(2, ([a, b]) => [...arrayOf(a), ...arrayOf(b)]),
  "array.flatten": builtin(1, ([a]) => arrayOf(a).flatMap((each) => (isArray(each) ? each : [each]))),
  "array.reverse": builtin(1, ([a]) => arrayOf(a).toReversed()),
  "array.slice": builtin(3, ([a, from, to]) => arrayOf(a).slice(Math.max(0, integerOf(from)), Math.max(0, integerOf(to)))),
  intersection: builtin(1, ([sets]) => intersection(setOf(sets).values().map(setOf))),
  union: builtin(1, ([sets]) => new RegoSet(setOf(sets).values().flatMap((each) => setOf(each).values()))),
  any: builtin(1, ([values]) => membersOf(values).some((each) => each === true)),
  all: builtin(1, ([values]) => membersOf(values).every((each) => each === true)),
  "object.get": builtin(3, ([object, path, otherwise = null]) => objectGet(objectOf(object), path ?? null) ?? otherwise),
  "object.keys": builtin(1, ([object]) => new RegoSet(objectOf(object).entries().map(([key]) => key))),
  "object.remove": builtin(2, ([object, keys]) => without(objectOf(object), keysOf(keys))),
  "object.filter": builtin(2, ([object, keys]) => only(objectOf(object), keysOf(keys))),
  "object.union": builtin(2, ([a, b]) => united(objectOf(a), objectOf(b))),
  "object.union_n": builtin(1, ([objects]) => arrayOf(objects).map(objectOf).reduce(united, RegoObject.of([]))),
  "object.subset": builtin(2, ([whole = null, part = null]) => holdsAll(whole, part)),
  "json.filter": builtin(2, ([object, paths]) => keepPaths(objectOf(object), membersOf(paths).map(pathOf))),
  "json.remove": builtin(2, ([object, paths]) => membersOf(paths).map(pathOf).reduce<Value>(removePath, objectOf(object))),
};

function intersection(sets: readonly RegoSet[]): RegoSet {
  const [first, ...rest] = sets;
  return new RegoSet((first?.values() ?? []).filter((each) => rest.every((set) => set.has(each))));
}


function objectGet(object: RegoObject, key: Value): Value | undefined {
  if (!isArray(key)) return object.get(key);
  return key.reduce<Value | undefined>((value, step) => (value === undefined ? undefined : stepInto(value, step)), object);
}

function keysOf(value: Value | undefined): RegoSet {
  return value instanceof RegoObject ? new RegoSet(value.entries().map(([key]) => key)) : new RegoSet(membersOf(value));
}

function without(object: RegoObject, keys: RegoSet): RegoObject {
  return RegoObject.of(object.entries().filter(([key]) => !keys.has(key)));
}

function only(object: RegoObject, keys: RegoSet): RegoObject {
  return RegoObject.of(object.entries().filter(([key]) => keys.has(key)));
}

/** Of what both have, the second one counts; objects in it are united in turn. */
function united(a: RegoObject, b: RegoObject): RegoObject {
  const merged = b.entries().map(([key, value]) => {
    const there = a.get(key);
    return [key, there instanceof RegoObject && value instanceof RegoObject ? united(there, value) : value] as const;
  });
  return RegoObject.of([...a.entries(), ...merged]);
}

function holdsAll(whole: Value, part: Value): boolean {
  if (whole instanceof RegoObject && part instanceof RegoObject) return part.entries().every(([key, value]) => holdsPart(whole.get(key), value));
  if (whole instanceof RegoSet && part instanceof RegoSet) return part.values().every((each) => whole.has(each));
  if (isArray(whole) && part instanceof RegoSet) return part.values().every((each) => whole.some((other) => isEqual(each, other)));
  if (isArray(whole) && isArray(part)) return whole.some((_, i) => part.every((each, j) => isEqual(whole[i + j] ?? null, each) && i + j < whole.length)) || part.length === 0;
  throw new BuiltinError("both arguments of object.subset must be of one kind");
}

function holdsPart(whole: Value | undefined, part: Value): boolean {
  if (whole === undefined) return false;
  const areBoth = (whole instanceof RegoObject && part instanceof RegoObject) || (whole instanceof RegoSet && part instanceof RegoSet) || (isArray(whole) && isArray(part));
  return areBoth ? holdsAll(whole, part) : isEqual(whole, part);
}

/** JSON pointers may be written as paths, and the other way round. */
function pathOf(value: Value): readonly Value[] {
  if (isArray(value)) return value;
  return stringOf(value).replace(/^\//, "").split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function keepPaths(value: Value, paths: ReadonlyArray<readonly Value[]>): Value {
  if (paths.some((path) => path.length === 0)) return value;
  const below = (key: Value): ReadonlyArray<readonly Value[]> => paths.filter(([first = null]) => isStep(first, key)).map(([, ...rest]) => rest);
  if (value instanceof RegoObject) return RegoObject.of(value.entries().filter(([key]) => below(key).length > 0).map(([key, each]) => [key, keepPaths(each, below(key))] as const));
  return isArray(value) ? value.flatMap((each, i) => (below(i).length > 0 ? [keepPaths(each, below(i))] : [])) : value;
}

function removePath(value: Value, [first, ...rest]: readonly Value[]): Value {
  if (first === undefined) return value;
  const each = (key: Value, member: Value): readonly Value[] => (!isStep(first, key) ? [member] : rest.length === 0 ? [] : [removePath(member, rest)]);
  if (value instanceof RegoObject) return RegoObject.of(value.entries().flatMap(([key, member]) => each(key, member).map((kept) => [key, kept] as const)));
  return isArray(value) ? value.flatMap((member, i) => each(i, member)) : value;
}

function isStep(step: Value, key: Value): boolean {
  return isEqual(step, key) || (isNumber(key) && step === String(key));
}
