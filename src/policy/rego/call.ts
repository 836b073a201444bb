import { Bindings, match, type Answer } from "./bindings.ts";
import type { CallSite, Context } from "./context.ts";
import { answers } from "./evaluate.ts";
import { findNode, type Group } from "./program.ts";
import { BuiltinError, RegoError } from "./rego-error.ts";
import { ruleHolds } from "./rule-value.ts";
import type { Rule, Term } from "./syntax.ts";
import { isEqual, type Value } from "./value.ts";

/** What the function gives for these arguments; undefined where it gives nothing. */
export function callFunction(name: readonly string[], args: readonly Value[], { context, place }: CallSite): Value | undefined {
  const mock = context.mock(name.join("."));
  if (mock?.kind === "value") return mock.value;
  const called = mock?.name ?? name;
  const builtin = context.builtin(called.join("."));
  if (builtin === undefined) {
    const group = findNode(context.program.data, called.slice(1))?.group;
    return group === undefined ? undefined : context.deeper(place, () => callGroup(group, args, context));
  }
  try {
    return builtin.run(args, context.means);
  } catch (error) {
    if (!(error instanceof BuiltinError)) throw error;
    context.means.onBuiltinError(`${called.join(".")}: ${error.message}`, place);
    return undefined;
  }
}

function callGroup(group: Group, args: readonly Value[], context: Context): Value | undefined {
  let result: Value | undefined;
  for (const rule of group.rules) {
    for (const value of ruleResults(rule, args, context)) {
      if (result !== undefined && !isEqual(result, value)) throw new RegoError("conflict", `functions must not produce multiple outputs for same inputs: ${group.path}`, rule.place);
      result = value;
    }
  }
  if (result !== undefined || group.byDefault === undefined) return result;
  for (const answer of answers(group.byDefault.value, Bindings.NONE, context)) return answer.value;
  return undefined;
}

function* ruleResults(rule: Rule, args: readonly Value[], context: Context): Generator<Value> {
  const solve = (term: Term, within: Bindings): Generator<Answer> => answers(term, within, context);
  const pattern: Term = { kind: "array", items: rule.args, place: rule.place };
  for (const bindings of match(pattern, args, Bindings.NONE, solve)) {
    for (const held of ruleHolds(rule, bindings, context)) for (const answer of answers(held.rule.value, held.bindings, context)) yield answer.value;
  }
}
