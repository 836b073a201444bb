import {
  ANY, BOOL, COMPLEX128, FLOAT64, FUNC, INT, STRING, UINT8, mapOf, sliceOf,
  type AnyType, type GoType, type StructField, type StructType,
} from "./go-type.ts";

/**
 * Data with the type under which Go would see it. Where Go's reflection has its invalid value
 * (a member that a map lacks), we have `undefined`.
 *
 * `raw` is plain data; null and undefined in it are the type's zero value. Of an "any" it is the
 * value inside, or undefined for nil. Put one into plain data to give a part of it another type.
 */
export class GoValue {
  readonly type: GoType;
  readonly raw: unknown;

  constructor(type: GoType, raw: unknown) {
    this.type = type;
    this.raw = raw;
  }
}

export type Maybe = GoValue | undefined;

export interface Complex {
  readonly real: number;
  readonly imaginary: number;
}

/** The value that plain data is in Go: integral numbers are int, objects map[string]interface {}. */
export function valueOf(data: unknown, as: AnyType = ANY): Maybe {
  if (data instanceof GoValue) return inside(data);
  switch (typeof data) {
    case "boolean":
      return new GoValue(BOOL, data);
    case "string":
      return new GoValue(STRING, data);
    case "bigint":
      return new GoValue(INT, data);
    case "number":
      return new GoValue(as.numbers === "int" && Number.isSafeInteger(data) ? INT : FLOAT64, data);
    case "function":
      return new GoValue(FUNC, data);
    case "object":
      if (data === null) return undefined;
      return new GoValue(Array.isArray(data) ? sliceOf(as) : mapOf(as), data);
    case "undefined":
    case "symbol":
      return undefined;
  }
}

/** A value of a known type out of the plain data that holds it. */
export function typed(type: GoType, raw: unknown): GoValue {
  if (type.kind === "any") return new GoValue(type, valueOf(raw, type));
  if (raw instanceof GoValue) return raw;
  return new GoValue(type, raw ?? undefined);
}

export function complexValue(complex: Complex): GoValue {
  return new GoValue(COMPLEX128, complex);
}

/** What an interface holds; other values are themselves. */
export function inside(value: Maybe): Maybe {
  return value?.type.kind === "any" ? (value.raw as Maybe) : value;
}

/** Follows interfaces and pointers to their end. At a nil it stops and says so. */
export function reach(value: Maybe): { readonly value: Maybe; readonly isNil: boolean } {
  let at = value;
  while (at?.type.kind === "any" || at?.type.kind === "pointer") {
    if (isNil(at)) return { value: at, isNil: true };
    at = at.type.kind === "pointer" ? new GoValue(at.type.element, at.raw) : (at.raw as GoValue);
  }
  return { value: at, isNil: false };
}

/** Nil of its type, or no value at all. */
export function isNil(value: Maybe): boolean {
  if (value === undefined) return true;
  const { kind } = value.type;
  return value.raw === undefined && (kind === "any" || kind === "pointer" || kind === "map" || kind === "slice" || kind === "bytes" || kind === "func");
}

/** What `if` and `with` ask. */
export function isTrue(value: Maybe): boolean {
  if (value === undefined) return false;
  const { type, raw } = value;
  switch (type.kind) {
    case "bool":
      return raw === true;
    case "string":
      return textOf(value) !== "";
    case "int":
    case "uint":
      return integerOf(value) !== 0n;
    case "float":
      return floatOf(value) !== 0;
    case "complex": {
      const { real, imaginary } = complexOf(value);
      return real !== 0 || imaginary !== 0;
    }
    case "slice":
    case "bytes":
    case "map":
      return lengthOf(value) !== 0;
    case "any":
    case "pointer":
    case "func":
    case "value":
      return raw !== undefined;
    case "struct":
      return true;
  }
}

// Data need not be what its type says, as it may come from anywhere; what does not fit counts as zero.
export function textOf({ raw }: GoValue): string {
  return typeof raw === "string" ? raw : "";
}

export function integerOf({ raw }: GoValue): bigint {
  if (typeof raw === "bigint") return raw;
  return Number.isSafeInteger(raw) ? BigInt(raw as number) : 0n;
}

export function floatOf({ raw }: GoValue): number {
  return typeof raw === "number" ? raw : 0;
}

export function complexOf({ raw }: GoValue): Complex {
  // Only our own literals make complex numbers.
  return (raw as Complex | undefined) ?? { real: 0, imaginary: 0 };
}

export function bytesOf(value: GoValue): Buffer {
  return Buffer.from(textOf(value), "base64");
}

/** Of strings in bytes. Undefined for what has no length. */
export function lengthOf(value: GoValue): number | undefined {
  const { kind } = value.type;
  if (kind === "string") return Buffer.byteLength(textOf(value));
  if (kind === "bytes") return bytesOf(value).length;
  if (kind === "slice") return listOf(value).length;
  return kind === "map" ? Object.keys(objectOf(value)).length : undefined;
}

/** The elements of a slice. */
export function elementsOf(value: GoValue): GoValue[] {
  if (value.type.kind === "bytes") return [...bytesOf(value)].map((byte) => new GoValue(UINT8, byte));
  const element = value.type.kind === "slice" ? value.type.element : ANY;
  return listOf(value).map((raw) => typed(element, raw));
}

/** The members of a map in the order in which Go's templates visit them. */
export function entriesOf(value: GoValue): Array<readonly [key: string, member: GoValue]> {
  const object = objectOf(value);
  return Object.keys(object).toSorted(byBytes).map((key) => [key, typed(elementType(value), object[key])]);
}

/** Undefined where the map has no such key. */
export function memberOf(value: GoValue, key: string): Maybe {
  const object = objectOf(value);
  return Object.hasOwn(object, key) ? typed(elementType(value), object[key]) : undefined;
}

export function elementType(value: GoValue): GoType {
  return value.type.kind === "map" || value.type.kind === "slice" ? value.type.element : ANY;
}

export function fieldOf(value: GoValue, field: StructField): GoValue {
  return typed(field.type, field.embedded === true ? value.raw : objectOf(value)[field.json]);
}

/** A field by its name, its own or an embedded record's. */
export function fieldNamed(value: GoValue, type: StructType, name: string): Maybe {
  const own = type.fields.find((field) => field.name === name);
  if (own !== undefined) return fieldOf(value, own);
  for (const field of type.fields) {
    if (field.embedded !== true || field.type.kind !== "struct") continue;
    const promoted = fieldNamed(fieldOf(value, field), field.type, name);
    if (promoted !== undefined) return promoted;
  }
  return undefined;
}

/** A method by its name, its own or an embedded record's, whose data is the same object. */
export function methodNamed(type: StructType, name: string): ((raw: unknown) => unknown) | undefined {
  if (type.methods !== undefined && Object.hasOwn(type.methods, name)) return type.methods[name];
  const promoted = type.fields.map((field) => (field.embedded === true && field.type.kind === "struct" ? methodNamed(field.type, name) : undefined));
  return promoted.find((method) => method !== undefined);
}

function listOf({ raw }: GoValue): readonly unknown[] {
  return Array.isArray(raw) ? raw : [];
}

function objectOf({ raw }: GoValue): Readonly<Record<string, unknown>> {
  return typeof raw === "object" && raw !== null ? (raw as Readonly<Record<string, unknown>>) : {};
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
