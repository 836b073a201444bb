import { Bindings } from "./bindings.ts";
import type { Context } from "./context.ts";
import { answers, holds } from "./evaluate.ts";
import type { Group } from "./program.ts";
import { RegoError } from "./rego-error.ts";
import type { Rule, Term } from "./syntax.ts";
import { isEqual, keyOf, RegoObject, RegoSet, type Value } from "./value.ts";

/** What the rules of one name make together. Undefined where none of them holds, and there is no default. */
export function groupValue(group: Group, context: Context): Value | undefined {
  if (group.makes === "function") return undefined;
  const known = context.values.get(group);
  if (known !== undefined) return known.value;
  if (context.values.has(group)) throw new RegoError("recursion", `rule ${group.path} is recursive`, group.rules[0]?.place);
  context.values.set(group, undefined);
  const value = madeValue(group, context);
  context.values.set(group, { value });
  return value;
}

function madeValue(group: Group, context: Context): Value | undefined {
  const tree = new Tree(group.makes === "set");
  for (const rule of group.rules) {
    for (const { bindings, rule: holding } of ruleHolds(rule, Bindings.NONE, context)) {
      for (const path of keyPaths(holding.keys, bindings, context)) {
        for (const { value } of answers(holding.value, path.bindings, context)) tree.add(path.keys, value, holding);
      }
    }
  }
  const value = tree.value();
  if (value !== undefined) return value;
  if (group.byDefault !== undefined) for (const answer of answers(group.byDefault.value, Bindings.NONE, context)) return answer.value;
  // A set or an object without members is there all the same.
  if (group.makes === "set") return group.rules.some(({ keys }) => keys.length > 0) ? RegoObject.of([]) : new RegoSet([]);
  return group.rules.some(({ keys }) => keys.length > 0) ? RegoObject.of([]) : undefined;
}

/** Each way in which the rule holds, or else the first of its alternatives that does. */
export function* ruleHolds(rule: Rule, bindings: Bindings, context: Context): Generator<{ readonly rule: Rule; readonly bindings: Bindings }> {
  let hasHeld = false;
  for (const held of holds(rule.body, bindings, context)) {
    hasHeld = true;
    yield { rule, bindings: held };
  }
  if (!hasHeld && rule.otherwise !== undefined) yield* ruleHolds(rule.otherwise, bindings, context);
}

interface KeyPath {
  readonly keys: readonly Value[];
  readonly bindings: Bindings;
}

function* keyPaths(terms: readonly Term[], bindings: Bindings, context: Context, keys: readonly Value[] = []): Generator<KeyPath> {
  const term = terms[keys.length];
  if (term === undefined) return void (yield { keys, bindings });
  for (const answer of answers(term, bindings, context)) yield* keyPaths(terms, answer.bindings, context, [...keys, answer.value]);
}

/** Values by the keys that lead to them: one value, or a set of them, at each end. */
class Tree {
  readonly #collects: boolean;
  readonly #branches = new Map<string, readonly [Value, Tree]>();
  readonly #values: Value[] = [];

  constructor(collects: boolean) {
    this.#collects = collects;
  }

  add([key, ...rest]: readonly Value[], value: Value, rule: Rule): void {
    if (key !== undefined) {
      const text = keyOf(key);
      const [, branch] = this.#branches.get(text) ?? [key, new Tree(this.#collects)];
      this.#branches.set(text, [key, branch]);
      branch.add(rest, value, rule);
      return;
    }
    const [other] = this.#values;
    if (!this.#collects && other !== undefined && !isEqual(other, value)) {
      throw new RegoError("conflict", `${rule.keys.length > 0 ? "object keys must be unique" : "complete rules must not produce multiple outputs"}: ${rule.path.join(".")}`, rule.place);
    }
    this.#values.push(value);
  }

  value(): Value | undefined {
    if (this.#branches.size > 0) return RegoObject.of([...this.#branches.values()].map(([key, branch]) => [key, branch.value() ?? null] as const));
    if (this.#collects) return this.#values.length === 0 ? undefined : new RegoSet(this.#values);
    return this.#values[0];
  }
}
