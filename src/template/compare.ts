import { formatValue } from "./format-value.ts";
import { typeName } from "./go-type.ts";
import { FunctionError } from "./template-error.ts";
import { complexOf, floatOf, inside, integerOf, isNil, textOf, type GoValue, type Maybe } from "./value.ts";

type Basic = "bool" | "string" | "integer" | "float" | "complex";

const BAD_TYPE = "invalid type for comparison";

/** `eq`: whether the first value equals one of the others. */
export function equalsAny(first: Maybe, others: readonly Maybe[]): boolean {
  if (others.length === 0) throw new FunctionError("missing argument for comparison");
  return others.some((other) => areEqual(inside(first), inside(other)));
}

/** `lt`, of numbers and strings. */
export function isLess(first: Maybe, second: Maybe): boolean {
  const [a, b] = [inside(first), inside(second)];
  const kind = basicKind(a);
  const otherKind = basicKind(b);
  if (a === undefined || b === undefined || kind === undefined || otherKind === undefined) throw new FunctionError(BAD_TYPE);
  if (kind !== otherKind) throw incompatible(a, b);
  switch (kind) {
    case "bool":
    case "complex":
      throw new FunctionError(BAD_TYPE);
    case "integer":
      return integerOf(a) < integerOf(b);
    case "float":
      return floatOf(a) < floatOf(b);
    case "string":
      return Buffer.compare(Buffer.from(textOf(a)), Buffer.from(textOf(b))) < 0;
  }
}

function areEqual(a: Maybe, b: Maybe): boolean {
  const kind = basicKind(a);
  if (kind !== basicKind(b)) {
    if (a === undefined || b === undefined) return false;
    throw incompatible(a, b);
  }
  if (a === undefined || b === undefined) return isNil(a) === isNil(b);
  switch (kind) {
    case "bool":
      return (a.raw === true) === (b.raw === true);
    case "integer":
      return integerOf(a) === integerOf(b);
    case "float":
      return floatOf(a) === floatOf(b);
    case "string":
      return textOf(a) === textOf(b);
    case "complex": {
      const [x, y] = [complexOf(a), complexOf(b)];
      return x.real === y.real && x.imaginary === y.imaginary;
    }
    case undefined:
      return areSame(a, b);
  }
}

function incompatible(a: GoValue, b: GoValue): FunctionError {
  return new FunctionError(`incompatible types for comparison: ${typeName(a.type)} and ${typeName(b.type)}`);
}

/** Values that Go compares by identity, if at all. */
function areSame(a: GoValue, b: GoValue): boolean {
  const pair = `${formatValue(a, "s")}: ${typeName(a.type)}`;
  if (a.type.kind !== b.type.kind) throw new FunctionError(`non-comparable types ${pair}, ${typeName(b.type)}: ${formatValue(b)}`);
  if (isNil(a) || isNil(b)) return isNil(a) === isNil(b);
  if (["map", "slice", "bytes", "func"].includes(b.type.kind)) throw new FunctionError(`non-comparable type ${formatValue(b, "s")}: ${typeName(b.type)}`);
  return a.raw === b.raw;
}

function basicKind(value: Maybe): Basic | undefined {
  const kind = value?.type.kind;
  if (kind === "int" || kind === "uint") return "integer";
  return kind === "bool" || kind === "string" || kind === "float" || kind === "complex" ? kind : undefined;
}
