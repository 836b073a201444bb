import type { GoType, StructField, StructType } from "./go-type.ts";

export function record(name: string, fields: readonly StructField[]): StructType {
  return { kind: "struct", name, fields };
}

export function required(name: string, json: string, type: GoType): StructField {
  return { name, json, type };
}

export function optional(name: string, json: string, type: GoType): StructField {
  return { name, json, type, omitEmpty: true };
}
