import type { Term } from "./syntax.ts";
import { isArray, isEqual, RegoObject, type Value } from "./value.ts";

/** Variables with their values. Never changed: each value makes a new one. */
export class Bindings {
  static readonly NONE: Bindings = new Bindings(undefined, "", null);
  readonly #before: Bindings | undefined;
  readonly #name: string;
  readonly #value: Value;

  constructor(before: Bindings | undefined, name: string, value: Value) {
    this.#before = before;
    this.#name = name;
    this.#value = value;
  }

  with(name: string, value: Value): Bindings {
    return new Bindings(this, name, value);
  }

  get(name: string): Value | undefined {
    if (this.#before === undefined) return undefined;
    return this.#name === name ? this.#value : this.#before.get(name);
  }
}

/** A value for a term, with what it took. */
export interface Answer {
  readonly value: Value;
  readonly bindings: Bindings;
}

/** Answers for terms that are no patterns. */
export type Solve = (term: Term, bindings: Bindings) => Generator<Answer>;

/** Gives the pattern's variables the values that make it equal to `value`, in each way there is. */
export function* match(pattern: Term, value: Value, bindings: Bindings, solve: Solve): Generator<Bindings> {
  if (pattern.kind === "var") {
    const known = pattern.name === "input" || pattern.name === "data" ? undefined : bindings.get(pattern.name);
    if (known !== undefined) {
      if (isEqual(known, value)) yield bindings;
      return;
    }
    if (pattern.name !== "input" && pattern.name !== "data") return void (yield bindings.with(pattern.name, value));
  }
  if (pattern.kind === "array") {
    if (isArray(value) && value.length === pattern.items.length) yield* matchAll(pattern.items.map((item, i) => [item, value[i] ?? null] as const), bindings, solve);
    return;
  }
  if (pattern.kind === "object") {
    if (value instanceof RegoObject && value.size === pattern.entries.length) yield* matchMembers(pattern.entries, value, bindings, solve);
    return;
  }
  for (const answer of solve(pattern, bindings)) if (isEqual(answer.value, value)) yield answer.bindings;
}

function* matchAll([first, ...rest]: ReadonlyArray<readonly [Term, Value]>, bindings: Bindings, solve: Solve): Generator<Bindings> {
  if (first === undefined) return void (yield bindings);
  for (const matched of match(first[0], first[1], bindings, solve)) yield* matchAll(rest, matched, solve);
}

function* matchMembers([first, ...rest]: ReadonlyArray<readonly [Term, Term]>, object: RegoObject, bindings: Bindings, solve: Solve): Generator<Bindings> {
  if (first === undefined) return void (yield bindings);
  for (const key of solve(first[0], bindings)) {
    const value = object.get(key.value);
    if (value === undefined) continue;
    for (const matched of match(first[1], value, key.bindings, solve)) yield* matchMembers(rest, object, matched, solve);
  }
}
