/**
 * The types that templates can tell apart, named as Go prints them.
 *
 * Plain data needs none of this: `valueOf` finds the types of JSON. A record whose fields have
 * Go's names and zero values (an OCI descriptor, say) is described by a StructType.
 */
export type GoType = AnyType | ValueType | ScalarType | BytesType | SliceType | MapType | PointerType | StructType | FuncType;

/** Go's empty interface. */
export interface AnyType {
  readonly kind: "any";
  /** What an integral number inside becomes: Go's JSON decoder makes every number a float64. */
  readonly numbers: "int" | "float64";
}

/** As parameter of a function: any value as it is, even none. */
export interface ValueType {
  readonly kind: "value";
}

export interface ScalarType {
  readonly kind: "bool" | "string" | "int" | "uint" | "float" | "complex";
  readonly name: string;
  /** Go's String method. */
  readonly text?: (raw: unknown) => string;
}

/** A slice of bytes, held as base64. */
export interface BytesType {
  readonly kind: "bytes";
}

export interface SliceType {
  readonly kind: "slice";
  readonly element: GoType;
}

/** Keys are strings. */
export interface MapType {
  readonly kind: "map";
  readonly element: GoType;
}

export interface PointerType {
  readonly kind: "pointer";
  readonly element: StructType;
}

export interface StructType {
  readonly kind: "struct";
  readonly name: string;
  readonly fields: readonly StructField[];
  readonly methods?: Readonly<Record<string, (raw: unknown) => unknown>>;
  /** Go's String method. */
  readonly text?: (raw: unknown) => string;
  /** Go's MarshalJSON: what to write instead of the fields. */
  readonly json?: (raw: unknown) => unknown;
}

export interface StructField {
  readonly name: string;
  readonly type: GoType;
  /** Name of the member in the plain object that holds the record, and in JSON. */
  readonly json: string;
  readonly omitEmpty?: boolean;
  /** Its fields can be named as if they were the outer record's, whose object also holds them. */
  readonly embedded?: boolean;
}

export interface FuncType {
  readonly kind: "func";
}

export const ANY: AnyType = { kind: "any", numbers: "int" };
/** What Go's JSON decoder gives. */
export const DECODED: AnyType = { kind: "any", numbers: "float64" };
export const VALUE: ValueType = { kind: "value" };
export const BOOL: ScalarType = { kind: "bool", name: "bool" };
export const STRING: ScalarType = { kind: "string", name: "string" };
export const INT: ScalarType = { kind: "int", name: "int" };
export const INT64: ScalarType = { kind: "int", name: "int64" };
export const UINT8: ScalarType = { kind: "uint", name: "uint8" };
export const FLOAT64: ScalarType = { kind: "float", name: "float64" };
export const COMPLEX128: ScalarType = { kind: "complex", name: "complex128" };
export const BYTES: BytesType = { kind: "bytes" };
export const FUNC: FuncType = { kind: "func" };

export function sliceOf(element: GoType): SliceType {
  return { kind: "slice", element };
}

export function mapOf(element: GoType): MapType {
  return { kind: "map", element };
}

export function pointerTo(element: StructType): PointerType {
  return { kind: "pointer", element };
}

/** As reflect and %T print it. */
export function typeName(type: GoType): string {
  switch (type.kind) {
    case "any":
      return "interface {}";
    case "value":
      return "reflect.Value";
    case "bytes":
      return "[]uint8";
    case "slice":
      return `[]${typeName(type.element)}`;
    case "map":
      return `map[string]${typeName(type.element)}`;
    case "pointer":
      return `*${typeName(type.element)}`;
    case "func":
      return "func(...interface {}) interface {}";
    case "bool":
    case "string":
    case "int":
    case "uint":
    case "float":
    case "complex":
    case "struct":
      return type.name;
  }
}

/** Whether Go's nil can stand for a value of the type. */
export function canBeNil(type: GoType): boolean {
  return !(["bool", "string", "int", "uint", "float", "complex", "struct"] as readonly GoType["kind"][]).includes(type.kind);
}
