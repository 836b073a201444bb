import { ARRAYS_AND_OBJECTS } from "./builtins-collections.ts";
import { ENCODINGS } from "./builtins-encoding.ts";
import { NUMBERS } from "./builtins-numbers.ts";
import { PATTERNS } from "./builtins-patterns.ts";
import { STRINGS } from "./builtins-strings.ts";
import { TIMES } from "./builtins-time.ts";
import { TYPES } from "./builtins-types.ts";
import { RANDOM } from "./builtins-uuid.ts";
import { VERSIONS } from "./builtins-versions.ts";
import { YAML } from "./builtins-yaml.ts";
import type { Value } from "./value.ts";

export interface BuiltinMeans {
  /** Of this evaluation: it stays the same all through it. */
  readonly nowNs: bigint;
}

/** A function of the language. Undefined, and BuiltinError, mean that it has no result. */
export interface Builtin {
  readonly arity: number | "any";
  readonly run: (args: readonly Value[], means: BuiltinMeans) => Value | undefined;
}

export const BUILTINS: ReadonlyMap<string, Builtin> = new Map(Object.entries({
  ...TYPES, ...NUMBERS, ...STRINGS, ...PATTERNS, ...ARRAYS_AND_OBJECTS, ...ENCODINGS, ...TIMES, ...VERSIONS, ...RANDOM, ...YAML,
}));
