import { RegoError } from "./rego-error.ts";
import type { Body, Literal, LiteralKind, Module, Ref, Rule, Term, WithModifier } from "./syntax.ts";

/** What names stand for outside of a rule. */
export interface Globals {
  readonly module: Module;
  /** Whether the package has a rule of that name. */
  readonly hasRule: (path: readonly string[]) => boolean;
}

/** Names that bodies declare, each with a name of its own in the rule. */
class Scope {
  readonly #parent: Scope | undefined;
  readonly #names = new Map<string, string>();
  readonly #count: { value: number };

  constructor(parent: Scope | undefined) {
    this.#parent = parent;
    this.#count = parent === undefined ? { value: 0 } : parent.#count;
  }

  declare(name: string): void {
    this.#names.set(name, name.startsWith("$") ? name : `${name}#${this.#count.value++}`);
  }

  declaresItself(name: string): boolean {
    return this.#names.has(name);
  }

  find(name: string): string | undefined {
    return this.#names.get(name) ?? this.#parent?.find(name);
  }
}

/** As the policy's author calls it. */
export function writtenName(name: string): string {
  return name.startsWith("$") ? "_" : name.replace(/#\d+$/, "");
}

/** The rule with what its names stand for: what is left as a variable is one of the rule. */
export function resolveRule(rule: Rule, globals: Globals): Rule {
  const scope = new Scope(undefined);
  for (const name of rule.args.flatMap(patternNames)) scope.declare(name);
  return resolveWithin(rule, scope, globals);
}

function resolveWithin(rule: Rule, outer: Scope, globals: Globals): Rule {
  const scope = new Scope(outer);
  const resolver = new Resolver(globals);
  const body = resolver.body(rule.body, scope);
  return {
    ...rule, body,
    args: rule.args.map((arg) => resolver.term(arg, outer)),
    keys: rule.keys.map((key) => resolver.term(key, scope)),
    value: resolver.term(rule.value, scope),
    otherwise: rule.otherwise === undefined ? undefined : resolveWithin(rule.otherwise, outer, globals),
  };
}

class Resolver {
  readonly #globals: Globals;

  constructor(globals: Globals) {
    this.#globals = globals;
  }

  /** Declares in `scope` what the body declares. */
  body(body: Body, scope: Scope): Body {
    for (const literal of body) declareNames(literal, scope);
    return body.map((literal) => this.#literal(literal, scope));
  }

  #literal(literal: Literal, scope: Scope): Literal {
    return { ...this.#kind(literal, scope), withs: literal.withs.map((each) => this.#with(each, scope)), place: literal.place };
  }

  #kind(literal: Literal, scope: Scope): LiteralKind {
    switch (literal.kind) {
      case "expression":
        return { kind: "expression", term: this.term(literal.term, scope) };
      case "not":
        return { kind: "not", literal: this.#literal(literal.literal, scope) };
      case "assign":
      case "unify":
        return { kind: literal.kind, left: this.term(literal.left, scope), right: this.term(literal.right, scope) };
      case "some":
        return { kind: "some", names: [] };
      case "some-in":
        return { kind: "some-in", key: literal.key && this.term(literal.key, scope), value: this.term(literal.value, scope), domain: this.term(literal.domain, scope) };
      case "every": {
        const inner = new Scope(scope);
        for (const name of [literal.key, literal.value]) if (name !== undefined) inner.declare(name);
        const { key } = literal;
        return { kind: "every", key: key && inner.find(key), value: inner.find(literal.value) ?? literal.value, domain: this.term(literal.domain, scope), body: this.body(literal.body, new Scope(inner)) };
      }
    }
  }

  #with({ target, value, place }: WithModifier, scope: Scope): WithModifier {
    const [root = ""] = target;
    const known = root === "input" || root === "data" ? target : (this.#global(target) ?? target);
    return { target: known, value: this.term(value, scope), place };
  }

  /** The whole path of what a name begins that is none of the rule's own. */
  #global([first = "", ...rest]: readonly string[]): readonly string[] | undefined {
    const { module, hasRule } = this.#globals;
    if (hasRule([...module.package, first])) return ["data", ...module.package, first, ...rest];
    const found = module.imports.find(({ alias }) => alias === first);
    return found === undefined ? undefined : [...found.path, ...rest];
  }

  term(term: Term, scope: Scope): Term {
    switch (term.kind) {
      case "value":
        return term;
      case "var":
        return this.#variable(term, scope);
      case "ref":
        return joined({ ...term, head: this.term(term.head, scope), path: term.path.map((step) => this.term(step, scope)) });
      case "array":
      case "set":
        return { ...term, items: term.items.map((item) => this.term(item, scope)) };
      case "object":
        return { ...term, entries: term.entries.map(([key, value]) => [this.term(key, scope), this.term(value, scope)] as const) };
      case "call":
        return { ...term, name: this.#global(term.name) ?? term.name, args: term.args.map((arg) => this.term(arg, scope)) };
      case "comprehension": {
        const inner = new Scope(scope);
        const body = this.body(term.body, inner);
        return { ...term, body, key: term.key && this.term(term.key, inner), value: this.term(term.value, inner) };
      }
      case "template":
        return { ...term, parts: term.parts.map((part) => (typeof part === "string" ? part : this.term(part, scope))) };
    }
  }

  #variable(term: Extract<Term, { readonly kind: "var" }>, scope: Scope): Term {
    const { name, place } = term;
    const local = scope.find(name);
    if (local !== undefined) return { ...term, name: local };
    if (name === "input" || name === "data" || name.startsWith("$")) return term;
    const [root, ...path] = this.#global([name]) ?? [];
    if (root === undefined) return term;
    return { kind: "ref", head: { kind: "var", name: root, place }, path: path.map((value) => ({ kind: "value", value, place })), place };
  }
}

/** A path into a path is one. */
function joined(ref: Ref): Term {
  return ref.head.kind === "ref" ? { ...ref.head, path: [...ref.head.path, ...ref.path], place: ref.place } : ref;
}

function declareNames(literal: Literal, scope: Scope): void {
  const declare = (names: readonly string[], again: (name: string) => string): void => {
    for (const name of names) {
      if (scope.declaresItself(name)) throw new RegoError("parse", again(name), literal.place);
      scope.declare(name);
    }
  };
  if (literal.kind === "assign") declare(patternNames(literal.left), (name) => `var ${name} assigned above`);
  if (literal.kind === "some") declare(literal.names, (name) => `var ${name} declared above`);
  if (literal.kind === "some-in") {
    const names = [...(literal.key === undefined ? [] : patternNames(literal.key)), ...patternNames(literal.value)];
    declare([...new Set(names)], (name) => `var ${name} declared above`);
  }
}

/** Variables that a pattern gives values to. */
export function patternNames(term: Term): string[] {
  if (term.kind === "var") return [term.name];
  if (term.kind === "array") return term.items.flatMap(patternNames);
  return term.kind === "object" ? term.entries.flatMap(([, value]) => patternNames(value)) : [];
}
