import { BuiltinError } from "./rego-error.ts";
import { isArray, RegoObject, RegoSet, typeName, type Value } from "./value.ts";

export type Run = (args: readonly Value[], means: { readonly nowNs: bigint }) => Value | undefined;

/** By name. */
export type BuiltinTable = Readonly<Record<string, Row>>;

export interface Row {
  readonly arity: number;
  readonly run: Run;
}

/** A row for each function, with the number of what it takes. */
export function builtin(arity: number, run: Run): Row {
  return { arity, run };
}

function wrong(wanted: string, value: Value | undefined): BuiltinError {
  return new BuiltinError(`operand must be ${wanted} but got ${value === undefined ? "nothing" : typeName(value)}`);
}

export function stringOf(value: Value | undefined): string {
  if (typeof value !== "string") throw wrong("string", value);
  return value;
}

export function booleanOf(value: Value | undefined): boolean {
  if (typeof value !== "boolean") throw wrong("boolean", value);
  return value;
}

export function arrayOf(value: Value | undefined): readonly Value[] {
  if (value === undefined || !isArray(value)) throw wrong("array", value);
  return value;
}

export function setOf(value: Value | undefined): RegoSet {
  if (!(value instanceof RegoSet)) throw wrong("set", value);
  return value;
}

export function objectOf(value: Value | undefined): RegoObject {
  if (!(value instanceof RegoObject)) throw wrong("object", value);
  return value;
}

/** Of an array or a set. */
export function membersOf(value: Value | undefined): readonly Value[] {
  return value instanceof RegoSet ? value.values() : arrayOf(value);
}
