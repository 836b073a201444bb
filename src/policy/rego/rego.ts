import { Bindings } from "./bindings.ts";
import { callFunction } from "./call.ts";
import { Context, type EvaluationMeans } from "./context.ts";
import { answers } from "./evaluate.ts";
import { groupValue } from "./rule-value.ts";
import type { Program } from "./program.ts";
import type { Term } from "./syntax.ts";
import type { Value } from "./value.ts";

/** The value of `data.a.b`, with what its rules make of the input. Undefined where there is none. Throws RegoError. */
export function evaluateRule(program: Program, path: readonly string[], input: Value | undefined, means: EvaluationMeans): Value | undefined {
  const place = { file: "query", line: 1, column: 1 };
  const ref: Term = { kind: "ref", head: { kind: "var", name: "data", place }, path: path.map((value) => ({ kind: "value", value, place })), place };
  for (const answer of answers(ref, Bindings.NONE, Context.of(program, { ...means, rules: { valueOf: groupValue, call: callFunction } }, input))) return answer.value;
  return undefined;
}
