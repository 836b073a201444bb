import { RegoError, type Place } from "./rego-error.ts";
import { writtenName } from "./resolve.ts";
import type { Body, Literal, Rule, Term } from "./syntax.ts";

type Names = ReadonlySet<string>;

const ALWAYS: Names = new Set(["input", "data"]);
const NOTHING: Names = new Set();

/**
 * Puts the literals of each body into an order in which every variable has a value before it is needed.
 * Throws RegoError for a variable that nothing gives a value to: such a rule would mean something else than it says.
 */
export function orderRule(rule: Rule): Rule {
  const params = new Set([...ALWAYS, ...rule.args.flatMap(namesOf)]);
  const { body, bound } = orderBody(rule.body, params);
  const order = (term: Term): Term => orderTerm(term, bound);
  for (const term of [...rule.keys, rule.value]) requireBound(term, bound);
  return {
    ...rule, body, keys: rule.keys.map(order), value: order(rule.value),
    otherwise: rule.otherwise === undefined ? undefined : orderRule(rule.otherwise),
  };
}

interface Ordered {
  readonly body: Body;
  readonly bound: Names;
}

function orderBody(body: Body, outer: Names): Ordered {
  const waiting = [...body];
  const ordered: Literal[] = [];
  let bound = outer;
  // What closures share with the body, rather than having it for themselves.
  const shared = new Set([...outer, ...body.flatMap(openNames)]);
  while (waiting.length > 0) {
    const at = waiting.findIndex((literal) => outputsOf(literal, bound, shared) !== undefined);
    const literal = waiting[at];
    if (literal === undefined) throw unsafe(waiting, bound, shared);
    waiting.splice(at, 1);
    ordered.push(orderLiteral(literal, bound));
    bound = new Set([...bound, ...(outputsOf(literal, bound, shared) ?? [])]);
  }
  return { body: ordered, bound };
}

function orderLiteral(literal: Literal, bound: Names): Literal {
  const term = (each: Term): Term => orderTerm(each, bound);
  const withs = literal.withs.map((each) => ({ ...each, value: term(each.value) }));
  switch (literal.kind) {
    case "expression":
      return { ...literal, withs, term: term(literal.term) };
    case "not":
      return { ...literal, withs, literal: orderLiteral(literal.literal, bound) };
    case "assign":
    case "unify":
      return { ...literal, withs, left: term(literal.left), right: term(literal.right) };
    case "some":
      return { ...literal, withs };
    case "some-in":
      return { ...literal, withs, domain: term(literal.domain) };
    case "every": {
      const inner = new Set([...bound, ...(literal.key === undefined ? [] : [literal.key]), literal.value]);
      return { ...literal, withs, domain: term(literal.domain), body: orderBody(literal.body, inner).body };
    }
  }
}

/** Orders the comprehensions within. */
function orderTerm(term: Term, bound: Names): Term {
  const inner = (each: Term): Term => orderTerm(each, bound);
  switch (term.kind) {
    case "value":
    case "var":
      return term;
    case "ref":
      return { ...term, head: inner(term.head), path: term.path.map(inner) };
    case "array":
    case "set":
      return { ...term, items: term.items.map(inner) };
    case "object":
      return { ...term, entries: term.entries.map(([key, value]) => [inner(key), inner(value)] as const) };
    case "call":
      return { ...term, args: term.args.map(inner) };
    case "template":
      return { ...term, parts: term.parts.map((part) => (typeof part === "string" ? part : inner(part))) };
    case "comprehension": {
      const ordered = orderBody(term.body, bound);
      const heads = term.key === undefined ? [term.value] : [term.key, term.value];
      for (const head of heads) requireBound(head, ordered.bound);
      return { ...term, body: ordered.body, key: term.key && orderTerm(term.key, ordered.bound), value: orderTerm(term.value, ordered.bound) };
    }
  }
}

function requireBound(term: Term, bound: Names): void {
  if (outputsOfTerm(term, { bound, shared: bound }) !== undefined) return;
  const name = namesOf(term).find((each) => !bound.has(each)) ?? "_";
  throw new RegoError("unsafe-var", `var ${writtenName(name)} is unsafe`, term.place);
}

/** Variables that the literal gives values to; undefined where something that it needs has none yet. */
function outputsOf(literal: Literal, bound: Names, shared: Names): Names | undefined {
  const state = { bound, shared };
  if (literal.withs.some(({ value }) => outputsOfTerm(value, state) === undefined)) return undefined;
  switch (literal.kind) {
    case "expression":
      return outputsOfTerm(literal.term, state);
    case "not":
      return negated(literal.literal, state);
    case "assign":
      return matched(literal.left, literal.right, state);
    case "unify":
      return unified(literal.left, literal.right, state);
    case "some":
      return NOTHING;
    case "some-in":
      return matched({ kind: "array", items: literal.key === undefined ? [literal.value] : [literal.key, literal.value], place: literal.place }, literal.domain, state);
    case "every":
      return closed(literal.body.flatMap(allNames), state) ? outputsOfTerm(literal.domain, state) : undefined;
  }
}

interface State {
  readonly bound: Names;
  readonly shared: Names;
}

/** Nothing comes out of a negation, so nothing but wildcards may be open in it. */
function negated(literal: Literal, state: State): Names | undefined {
  const open = openNames(literal).filter((name) => !name.startsWith("$"));
  const isBound = open.every((name) => state.bound.has(name));
  return isBound && outputsOf(literal, state.bound, state.shared) !== undefined ? NOTHING : undefined;
}

/** A closure can be made when all that it shares has a value. */
function closed(names: readonly string[], { bound, shared }: State): boolean {
  return names.every((name) => bound.has(name) || !shared.has(name));
}

function outputsOfTerm(term: Term, state: State): Names | undefined {
  switch (term.kind) {
    case "value":
      return NOTHING;
    case "var":
      return state.bound.has(term.name) ? NOTHING : undefined;
    case "ref":
      return all([term.head, ...term.path], state, (each, now) => (each === term.head ? outputsOfTerm(each, now) : pattern(each, now)));
    case "array":
    case "set":
      return all(term.items, state, outputsOfTerm);
    case "object":
      return all(term.entries.flat(), state, outputsOfTerm);
    case "call":
      return all(term.args, state, outputsOfTerm);
    case "template":
      return all(term.parts, state, (part, now) => (typeof part === "string" ? NOTHING : outputsOfTerm(part, now)));
    case "comprehension":
      return closed(allNamesOf(term), state) ? NOTHING : undefined;
  }
}

/** One after the other, as they are evaluated: each may need what those before it give. */
function all<T>(parts: readonly T[], state: State, outputs: (part: T, state: State) => Names | undefined): Names | undefined {
  const made = new Set<string>();
  for (const part of parts) {
    const more = outputs(part, { ...state, bound: new Set([...state.bound, ...made]) });
    if (more === undefined) return undefined;
    for (const name of more) made.add(name);
  }
  return made;
}

/** What a term gives values to where a value comes to it. */
function pattern(term: Term, state: State): Names | undefined {
  if (term.kind === "var") return state.bound.has(term.name) ? NOTHING : new Set([term.name]);
  if (term.kind === "array") return all(term.items, state, pattern);
  if (term.kind !== "object") return outputsOfTerm(term, state);
  return all(term.entries.flat(), state, (each, now) => (term.entries.some(([key]) => key === each) ? outputsOfTerm(each, now) : pattern(each, now)));
}

function matched(left: Term, right: Term, { bound, shared }: State): Names | undefined {
  const made = outputsOfTerm(right, { bound, shared });
  const given = made && pattern(left, { bound: new Set([...bound, ...made]), shared });
  return made && given && new Set([...made, ...given]);
}

function unified(left: Term, right: Term, state: State): Names | undefined {
  const one = matched(left, right, state) ?? matched(right, left, state);
  if (one !== undefined || left.kind !== "array" || right.kind !== "array") return one;
  return all(left.items.map((item, i) => [item, right.items[i] ?? item] as const), state, ([item, other], now) => unified(item, other, now));
}

function unsafe(waiting: readonly Literal[], bound: Names, shared: Names): RegoError {
  const stuck = waiting.find((literal) => outputsOf(literal, bound, shared) === undefined);
  const name = stuck === undefined ? undefined : allNames(stuck).find((each) => !bound.has(each));
  return new RegoError("unsafe-var", `var ${writtenName(name ?? "_")} is unsafe`, placeOf(stuck, name) ?? stuck?.place);
}

function placeOf(literal: Literal | undefined, name: string | undefined): Place | undefined {
  let found: Place | undefined;
  if (literal !== undefined) {
    for (const term of termsOf(literal)) visit(term, (each) => {
      if (found === undefined && each.kind === "var" && each.name === name) found = each.place;
    });
  }
  return found;
}

/** Variables of the literal, those of closures left out. */
function openNames(literal: Literal): string[] {
  if (literal.kind === "not") return openNames(literal.literal);
  const terms = literal.kind === "every" ? [literal.domain] : termsOf(literal);
  return terms.flatMap(namesOf);
}

/** The same with those of closures. */
function allNames(literal: Literal): string[] {
  return termsOf(literal).flatMap(allNamesOf);
}

export function termsOf(literal: Literal): Term[] {
  const withs = literal.withs.map(({ value }) => value);
  switch (literal.kind) {
    case "expression":
      return [literal.term, ...withs];
    case "not":
      return [...termsOf(literal.literal), ...withs];
    case "assign":
    case "unify":
      return [literal.left, literal.right, ...withs];
    case "some":
      return withs;
    case "some-in":
      return [...(literal.key === undefined ? [] : [literal.key]), literal.value, literal.domain, ...withs];
    case "every":
      return [literal.domain, ...literal.body.flatMap(termsOf), ...withs];
  }
}

function namesOf(term: Term): string[] {
  const names: string[] = [];
  visit(term, (each) => void (each.kind === "var" && names.push(each.name)), "open");
  return names;
}

function allNamesOf(term: Term): string[] {
  const names: string[] = [];
  visit(term, (each) => void (each.kind === "var" && names.push(each.name)));
  return names;
}

/** Each term within, itself first. */
export function visit(term: Term, see: (term: Term) => void, closures: "open" | "all" = "all"): void {
  see(term);
  const inner = (each: Term): void => visit(each, see, closures);
  switch (term.kind) {
    case "ref":
      inner(term.head);
      term.path.forEach(inner);
      break;
    case "array":
    case "set":
      term.items.forEach(inner);
      break;
    case "object":
      term.entries.flat().forEach(inner);
      break;
    case "call":
      term.args.forEach(inner);
      break;
    case "template":
      for (const part of term.parts) if (typeof part !== "string") inner(part);
      break;
    case "comprehension":
      if (closures === "open") break;
      for (const each of [...(term.key === undefined ? [] : [term.key]), term.value, ...term.body.flatMap(termsOf)]) inner(each);
      break;
    case "value":
    case "var":
      break;
  }
}
