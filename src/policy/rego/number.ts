import { integer, isNumber, type Value } from "./value.ts";
import { BuiltinError } from "./rego-error.ts";

type Numeric = number | bigint;

/** JSON's form of a number; undefined for what is none. */
export function readNumber(text: string): Numeric | undefined {
  if (/^-?(?:0|[1-9][0-9]*)$/.test(text)) return integer(BigInt(text));
  return /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/.test(text) ? Number(text) : undefined;
}

export function numberOf(value: Value | undefined): Numeric {
  if (value === undefined || !isNumber(value)) throw new BuiltinError("operand must be number");
  return value;
}

export function integerOf(value: Value | undefined): number {
  const number = Number(numberOf(value));
  if (!Number.isInteger(number)) throw new BuiltinError("operand must be integer number but got floating-point number");
  return number;
}

function isWhole(value: Numeric): boolean {
  return typeof value === "bigint" || Number.isInteger(value);
}

/** Exact for whole numbers. */
function exactly(a: Numeric, b: Numeric, whole: (a: bigint, b: bigint) => bigint, real: (a: number, b: number) => number): Numeric {
  return isWhole(a) && isWhole(b) ? integer(whole(BigInt(a), BigInt(b))) : real(Number(a), Number(b));
}

export const plus = (a: Numeric, b: Numeric): Numeric => exactly(a, b, (x, y) => x + y, (x, y) => x + y);
export const minus = (a: Numeric, b: Numeric): Numeric => exactly(a, b, (x, y) => x - y, (x, y) => x - y);
export const times = (a: Numeric, b: Numeric): Numeric => exactly(a, b, (x, y) => x * y, (x, y) => x * y);

export function divided(a: Numeric, b: Numeric): Numeric {
  if (Number(b) === 0) throw new BuiltinError("divide by zero");
  if (isWhole(a) && isWhole(b) && BigInt(a) % BigInt(b) === 0n) return integer(BigInt(a) / BigInt(b));
  return Number(a) / Number(b);
}

export function remainder(a: Numeric, b: Numeric): Numeric {
  if (!isWhole(a) || !isWhole(b)) throw new BuiltinError("modulo on floating-point number");
  if (Number(b) === 0) throw new BuiltinError("modulo by zero");
  return integer(BigInt(a) % BigInt(b));
}

export function bits(a: Numeric, b: Numeric, act: (a: bigint, b: bigint) => bigint): Numeric {
  if (!isWhole(a) || !isWhole(b)) throw new BuiltinError("operand must be integer number but got floating-point number");
  return integer(act(BigInt(a), BigInt(b)));
}
