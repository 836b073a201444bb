import { Bindings, match, type Answer } from "./bindings.ts";
import { memberKeys, stepInto } from "./steps.ts";
import type { Context } from "./context.ts";
import type { PackageNode } from "./program.ts";
import type { Body, Comprehension, Literal, Ref, Term } from "./syntax.ts";
import { isEqual, RegoObject, RegoSet, regoText, type Value } from "./value.ts";
import { RegoError } from "./rego-error.ts";

/** All ways in which the body holds, from its literal `at` on. */
export function* holds(body: Body, bindings: Bindings, context: Context, at = 0): Generator<Bindings> {
  const literal = body[at];
  if (literal === undefined) return void (yield bindings);
  context.spend(literal.place);
  for (const more of literalHolds(literal, bindings, context)) yield* holds(body, more, context, at + 1);
}

function* literalHolds(literal: Literal, bindings: Bindings, outer: Context): Generator<Bindings> {
  if (literal.withs.length === 0) return yield* plainHolds(literal, bindings, outer);
  const values: Array<Value | undefined> = [];
  for (const { value } of literal.withs) values.push(firstOf(answers(value, bindings, outer))?.value);
  const context = outer.replacing(literal.withs, values);
  if (context !== undefined) yield* plainHolds(literal, bindings, context);
}

function* plainHolds(literal: Literal, bindings: Bindings, context: Context): Generator<Bindings> {
  switch (literal.kind) {
    case "expression":
      for (const answer of answers(literal.term, bindings, context)) if (answer.value !== false) yield answer.bindings;
      return;
    case "not":
      if (firstOf(literalHolds(literal.literal, bindings, context)) === undefined) yield bindings;
      return;
    case "assign":
    case "unify":
      return yield* unify(literal.left, literal.right, bindings, context);
    case "some":
      return void (yield bindings);
    case "some-in":
      return yield* someIn(literal, bindings, context);
    case "every":
      if (everyHolds(literal, bindings, context)) yield bindings;
  }
}

function* unify(left: Term, right: Term, bindings: Bindings, context: Context): Generator<Bindings> {
  if (left.kind === "array" && right.kind === "array") {
    if (left.items.length === right.items.length) yield* unifyAll(left.items.map((item, i) => [item, right.items[i] ?? item] as const), bindings, context);
    return;
  }
  const solve = (term: Term, within: Bindings): Generator<Answer> => answers(term, within, context);
  // The side that has no values of its own takes those of the other.
  const [pattern, source] = isReady(right, bindings) ? [left, right] : [right, left];
  for (const answer of answers(source, bindings, context)) yield* match(pattern, answer.value, answer.bindings, solve);
}

function* unifyAll([first, ...rest]: ReadonlyArray<readonly [Term, Term]>, bindings: Bindings, context: Context): Generator<Bindings> {
  if (first === undefined) return void (yield bindings);
  for (const more of unify(first[0], first[1], bindings, context)) yield* unifyAll(rest, more, context);
}

/** False for a pattern with a variable that has no value yet. */
function isReady(term: Term, bindings: Bindings): boolean {
  if (term.kind === "var") return term.name === "input" || term.name === "data" || bindings.get(term.name) !== undefined;
  if (term.kind === "array" || term.kind === "set") return term.items.every((item) => isReady(item, bindings));
  return term.kind === "object" ? term.entries.flat().every((each) => isReady(each, bindings)) : true;
}

function* someIn({ key, value, domain }: Extract<Literal, { readonly kind: "some-in" }>, bindings: Bindings, context: Context): Generator<Bindings> {
  const solve = (term: Term, within: Bindings): Generator<Answer> => answers(term, within, context);
  for (const collection of answers(domain, bindings, context)) {
    for (const [at, member] of memberKeys(collection.value)) {
      if (key === undefined) yield* match(value, member, collection.bindings, solve);
      else for (const more of match(key, at, collection.bindings, solve)) yield* match(value, member, more, solve);
    }
  }
}

function everyHolds({ key, value, domain, body }: Extract<Literal, { readonly kind: "every" }>, bindings: Bindings, context: Context): boolean {
  const collection = firstOf(answers(domain, bindings, context));
  // As in OPA, nothing holds of what is not there.
  if (collection === undefined) return false;
  return memberKeys(collection.value).every(([at, member]) => {
    const inner = (key === undefined ? bindings : bindings.with(key, at)).with(value, member);
    return firstOf(holds(body, inner, context)) !== undefined;
  });
}

/** All values that the term has, with what each takes. */
export function* answers(term: Term, bindings: Bindings, context: Context): Generator<Answer> {
  switch (term.kind) {
    case "value":
      return void (yield { value: term.value, bindings });
    case "var": {
      const value = variable(term.name, bindings, context);
      if (value !== undefined) yield { value, bindings };
      return;
    }
    case "ref":
      return yield* refAnswers(term, bindings, context);
    case "array":
    case "set":
      for (const { values, bindings: more } of listAnswers(term.items, bindings, context)) yield { value: term.kind === "set" ? new RegoSet(values) : values, bindings: more };
      return;
    case "object":
      for (const { values, bindings: more } of listAnswers(term.entries.flat(), bindings, context)) yield { value: RegoObject.of(pairs(values)), bindings: more };
      return;
    case "call":
      return yield* callAnswers(term, bindings, context);
    case "comprehension":
      return void (yield { value: comprehended(term, bindings, context), bindings });
    case "template":
      return void (yield { value: term.parts.map((part) => (typeof part === "string" ? part : shown(firstOf(answers(part, bindings, context))?.value, "whole"))).join(""), bindings });
  }
}

function shown(value: Value | undefined, extent: "whole" | "known"): string {
  if (value === undefined) return "<undefined>";
  return typeof value === "string" ? value : regoText(value, extent);
}

function variable(name: string, bindings: Bindings, context: Context): Value | undefined {
  if (name === "input") return context.input;
  return name === "data" ? documentOf(context.program.data, context) : bindings.get(name);
}

interface ListAnswer {
  readonly values: readonly Value[];
  readonly bindings: Bindings;
}

function* listAnswers(terms: readonly Term[], bindings: Bindings, context: Context, values: readonly Value[] = []): Generator<ListAnswer> {
  const term = terms[values.length];
  if (term === undefined) return void (yield { values, bindings });
  for (const answer of answers(term, bindings, context)) yield* listAnswers(terms, answer.bindings, context, [...values, answer.value]);
}

function pairs(values: readonly Value[]): Array<readonly [Value, Value]> {
  return values.flatMap((key, i) => (i % 2 === 0 ? [[key, values[i + 1] ?? null] as const] : []));
}

function* callAnswers(term: Extract<Term, { readonly kind: "call" }>, bindings: Bindings, context: Context): Generator<Answer> {
  if (term.name.length === 1 && term.name[0] === "print") {
    context.print(term.args.map((arg) => shown(firstOf(answers(arg, bindings, context))?.value, "known")).join(" "), term.place);
    return void (yield { value: true, bindings });
  }
  for (const { values, bindings: more } of listAnswers(term.args, bindings, context)) {
    const value = context.rules.call(term.name, values, { context, place: term.place });
    if (value !== undefined) yield { value, bindings: more };
  }
}

function comprehended({ makes, key, value, body, place }: Comprehension, bindings: Bindings, context: Context): Value {
  const found: ListAnswer[] = [];
  for (const inner of holds(body, bindings, context)) for (const answer of listAnswers(key === undefined ? [value] : [key, value], inner, context)) found.push(answer);
  const values = found.flatMap((answer) => answer.values);
  if (makes === "array") return values;
  if (makes === "set") return new RegoSet(values);
  const object = RegoObject.of(pairs(values));
  for (const [at, member] of pairs(values)) if (!isEqual(object.get(at) ?? null, member)) throw new RegoError("conflict", "object keys must be unique", place);
  return object;
}

function* refAnswers(ref: Ref, bindings: Bindings, context: Context): Generator<Answer> {
  const { head, path } = ref;
  if (head.kind === "var" && head.name === "data") return yield* nodeAnswers(context.program.data, path, bindings, context);
  for (const answer of answers(head, bindings, context)) yield* pathAnswers(answer.value, path, answer.bindings, context);
}

/** Through packages, to rules. */
function* nodeAnswers(node: PackageNode, path: readonly Term[], bindings: Bindings, context: Context): Generator<Answer> {
  const replaced = context.replacement(node.path);
  if (replaced !== undefined) return yield* pathAnswers(replaced, path, bindings, context);
  if (node.group !== undefined && node.children.size === 0) {
    const value = context.rules.valueOf(node.group, context);
    if (value !== undefined) yield* pathAnswers(value, path, bindings, context);
    return;
  }
  const [step, ...rest] = path;
  if (step === undefined || node.group !== undefined) {
    const value = documentOf(node, context);
    if (value !== undefined) yield* pathAnswers(value, path, bindings, context);
    return;
  }
  const solve = (term: Term, within: Bindings): Generator<Answer> => answers(term, within, context);
  for (const [name, child] of step.kind === "value" ? childOf(node, step.value) : node.children) {
    for (const more of match(step, name, bindings, solve)) yield* nodeAnswers(child, rest, more, context);
  }
}

function childOf(node: PackageNode, name: Value): Array<readonly [string, PackageNode]> {
  const child = typeof name === "string" ? node.children.get(name) : undefined;
  return child === undefined || typeof name !== "string" ? [] : [[name, child]];
}

/** All that rules make of a package, functions left out. */
function documentOf(node: PackageNode, context: Context): Value | undefined {
  const replaced = context.replacement(node.path);
  if (replaced !== undefined) return replaced;
  const own = node.group === undefined || node.group.makes === "function" ? undefined : context.rules.valueOf(node.group, context);
  if (node.children.size === 0) return node.group === undefined ? RegoObject.of([]) : own;
  const members = [...node.children].flatMap(([name, child]) => {
    const value = documentOf(child, context);
    const other = own instanceof RegoObject ? own.get(name) : undefined;
    if (value !== undefined && other !== undefined && !isEqual(value, other)) throw new RegoError("conflict", `object keys must be unique: ${child.path}`, node.group?.rules[0]?.place);
    return value === undefined ? [] : [[name, value] as const];
  });
  return RegoObject.of([...(own instanceof RegoObject ? own.entries() : []), ...members]);
}

function* pathAnswers(value: Value, path: readonly Term[], bindings: Bindings, context: Context): Generator<Answer> {
  const [step, ...rest] = path;
  if (step === undefined) return void (yield { value, bindings });
  if (isReady(step, bindings)) {
    for (const key of answers(step, bindings, context)) {
      const next = stepInto(value, key.value);
      if (next !== undefined) yield* pathAnswers(next, rest, key.bindings, context);
    }
    return;
  }
  const solve = (term: Term, within: Bindings): Generator<Answer> => answers(term, within, context);
  for (const [key, member] of memberKeys(value)) for (const more of match(step, key, bindings, solve)) yield* pathAnswers(member, rest, more, context);
}

function firstOf<T>(generator: Generator<T>): T | undefined {
  for (const each of generator) return each;
  return undefined;
}
