/** Where something stands in a policy's file; both count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A policy that cannot be read or evaluated. The build that asked it must not go on. */
export class RegoError extends Error {
  override readonly name = "RegoError";
  readonly code = "policy";
  readonly retryable = false;
  readonly place: Place | undefined;

  constructor(kind: "parse" | "unsafe-var" | "type" | "conflict" | "eval" | "recursion", message: string, place: Place | undefined) {
    super(`${place === undefined ? "" : `${place.file}:${place.line}:${place.column}: `}${WORDS[kind]}: ${message}`);
    this.place = place;
  }
}

/** OPA's own words for them. */
const WORDS = {
  parse: "rego_parse_error", "unsafe-var": "rego_unsafe_var_error", type: "rego_type_error",
  conflict: "eval_conflict_error", eval: "eval_builtin_error", recursion: "rego_recursion_error",
} as const;

/** A builtin was given what it does not take: its result is undefined, as in OPA. */
export class BuiltinError extends Error {
  override readonly name = "BuiltinError";
}
