import { arrayOf, builtin, membersOf, stringOf, type BuiltinTable, type Row } from "./builtin-table.ts";
import { bits, divided, integerOf, numberOf, plus, readNumber, remainder, times } from "./number.ts";
import { BuiltinError } from "./rego-error.ts";
import { compare, integer, RegoObject, RegoSet, type Value } from "./value.ts";

/** Numbers that `numbers.range` makes at most: a bound on what a policy can cost. */
const RANGE_MAX = 1_000_000;

export const NUMBERS: BuiltinTable = {
  plus: builtin(2, ([a, b]) => plus(numberOf(a), numberOf(b))),
  mul: builtin(2, ([a, b]) => times(numberOf(a), numberOf(b))),
  div: builtin(2, ([a, b]) => divided(numberOf(a), numberOf(b))),
  rem: builtin(2, ([a, b]) => remainder(numberOf(a), numberOf(b))),
  abs: rounding(Math.abs, (value) => (value < 0n ? -value : value)),
  ceil: rounding(Math.ceil),
  floor: rounding(Math.floor),
  // Halves go away from zero.
  round: rounding((value) => Math.sign(value) * Math.round(Math.abs(value))),
  "bits.or": builtin(2, ([a, b]) => bits(numberOf(a), numberOf(b), (x, y) => x | y)),
  "bits.and": builtin(2, ([a, b]) => bits(numberOf(a), numberOf(b), (x, y) => x & y)),
  "bits.xor": builtin(2, ([a, b]) => bits(numberOf(a), numberOf(b), (x, y) => x ^ y)),
  "bits.negate": builtin(1, ([a]) => bits(numberOf(a), 0, (x) => ~x)),
  "bits.lsh": builtin(2, ([a, b]) => bits(numberOf(a), shift(b), (x, y) => x << y)),
  "bits.rsh": builtin(2, ([a, b]) => bits(numberOf(a), shift(b), (x, y) => x >> y)),
  count: builtin(1, ([value]) => countOf(value)),
  sum: builtin(1, ([value]) => membersOf(value).reduce<number | bigint>((sum, each) => plus(sum, numberOf(each)), 0)),
  product: builtin(1, ([value]) => membersOf(value).reduce<number | bigint>((product, each) => times(product, numberOf(each)), 1)),
  max: builtin(1, ([value]) => membersOf(value).toSorted(compare).at(-1)),
  min: builtin(1, ([value]) => membersOf(value).toSorted(compare)[0]),
  sort: builtin(1, ([value]) => membersOf(value).toSorted(compare)),
  to_number: builtin(1, ([value]) => toNumber(value)),
  "numbers.range": builtin(2, ([a, b]) => range(integerOf(a), integerOf(b), 1)),
  "numbers.range_step": builtin(3, ([a, b, step]) => range(integerOf(a), integerOf(b), integerOf(step))),
  format_int: builtin(2, ([value, base]) => formatInteger(numberOf(value), integerOf(base))),
  "units.parse": builtin(1, ([text]) => parseUnits(stringOf(text))),
  "units.parse_bytes": builtin(1, ([text]) => parseBytes(stringOf(text))),
};

function rounding(act: (value: number) => number, whole: (value: bigint) => bigint = (value) => value): Row {
  return builtin(1, ([value]) => {
    const number = numberOf(value);
    return typeof number === "bigint" ? integer(whole(number)) : act(number);
  });
}

function shift(value: Value | undefined): number {
  const by = integerOf(value);
  if (by < 0 || by > 4096) throw new BuiltinError("shift must be between 0 and 4096");
  return by;
}

function countOf(value: Value | undefined): number {
  if (typeof value === "string") return Array.from(value).length;
  return value instanceof RegoSet || value instanceof RegoObject ? value.size : arrayOf(value).length;
}

function toNumber(value: Value | undefined): Value {
  if (value === null) return 0;
  if (typeof value === "boolean") return Number(value);
  if (typeof value !== "string") return numberOf(value);
  const number = readNumber(value);
  if (number === undefined) throw new BuiltinError(`invalid syntax: ${value}`);
  return number;
}

function range(from: number, to: number, step: number): number[] {
  if (step <= 0) throw new BuiltinError("step must be a positive number above zero");
  const length = Math.floor(Math.abs(to - from) / step) + 1;
  if (length > RANGE_MAX) throw new BuiltinError(`a range of more than ${RANGE_MAX} numbers`);
  return Array.from({ length }, (_, i) => from + (to < from ? -1 : 1) * i * step);
}

function formatInteger(value: number | bigint, base: number): string {
  if (![2, 8, 10, 16].includes(base)) throw new BuiltinError("operand 2 must be one of {2, 8, 10, 16}");
  return (typeof value === "bigint" ? value : BigInt(Math.trunc(value))).toString(base);
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, p: 1e15, e: 1e18, ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30, ti: 2 ** 40, pi: 2 ** 50, ei: 2 ** 60 };

/** `m` is a thousandth, `M` a million. */
function parseUnits(text: string): number {
  const [number, unit] = quantity(text);
  const factor = unit === "m" ? 0.001 : UNITS[unit.toLowerCase()];
  if (factor === undefined) throw new BuiltinError(`unit ${unit} not recognized`);
  return number * factor;
}

function parseBytes(text: string): number {
  const [number, unit] = quantity(text);
  const factor = UNITS[unit.toLowerCase().replace(/b$/, "")];
  if (factor === undefined) throw new BuiltinError(`byte unit ${unit} not recognized`);
  return Math.trunc(number * factor);
}

function quantity(text: string): readonly [number, string] {
  const [, number, unit = ""] = /^([+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)$/.exec(text.replaceAll('"', "")) ?? [];
  if (number === undefined) throw new BuiltinError(`no amount provided: ${text}`);
  return [Number(number), unit];
}
