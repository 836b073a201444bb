import { TermParser } from "./parse-term.ts";
import { RegoError, type Place } from "./rego-error.ts";
import type { Body, Literal, LiteralKind, Term, WithModifier } from "./syntax.ts";

/** Reads bodies: what must hold. */
export class BodyParser extends TermParser {
  body(closing: string): Body {
    const literals: Literal[] = [];
    do {
      if (this.isSymbol(closing)) break;
      if (literals.length > 0 && !this.accept(";") && !this.token.startsLine) this.fail(`unexpected ${this.token.kind} ${JSON.stringify(this.token.text)}: expected a line's end or ";"`);
      if (this.isSymbol(closing)) break;
      literals.push(this.literal());
    } while (!this.isSymbol(closing));
    if (literals.length === 0) this.fail("found empty body");
    return literals;
  }

  literal(): Literal {
    const { place } = this.token;
    const kind = this.nested(() => this.#literalKind());
    return { ...kind, withs: this.#withs(), place };
  }

  #literalKind(): LiteralKind {
    if (this.accept("not")) {
      const { place } = this.token;
      if (this.isWord("some") || this.isWord("every") || this.isWord("not")) this.fail(`unexpected ${this.token.text} keyword after not`);
      return { kind: "not", literal: { ...this.#statement(), withs: [], place } };
    }
    if (this.accept("some")) return this.#some();
    if (this.accept("every")) return this.#every();
    return this.#statement();
  }

  #statement(): LiteralKind {
    const term = this.memberOf(this.expression());
    if (this.accept(":=")) return { kind: "assign", left: assignable(term), right: this.expression() };
    if (this.accept("=")) return { kind: "unify", left: term, right: this.expression() };
    return { kind: "expression", term };
  }

  #some(): LiteralKind {
    const first = this.operators(0);
    const rest: Term[] = [];
    while (this.accept(",")) rest.push(this.operators(0));
    if (!this.accept("in")) return { kind: "some", names: [first, ...rest].map((term) => (term.kind === "var" ? term.name : this.fail("expected a variable after some", term.place))) };
    const domain = this.operators(0);
    const [second, third] = rest;
    if (third !== undefined) this.fail("some … in has a key and a value at most", third.place);
    return second === undefined ? { kind: "some-in", key: undefined, value: first, domain } : { kind: "some-in", key: first, value: second, domain };
  }

  #every(): LiteralKind {
    const first = this.#loopName();
    const second = this.accept(",") ? this.#loopName() : undefined;
    this.expect("in", "after the variables of every");
    const domain = this.operators(0);
    this.expect("{", "before the body of every");
    const body = this.body("}");
    this.expect("}", "after the body of every");
    return { kind: "every", key: second === undefined ? undefined : first, value: second ?? first, domain, body };
  }

  #loopName(): string {
    const name = this.name("a variable after every");
    return name === "_" ? this.wildcard() : name;
  }

  #withs(): WithModifier[] {
    const withs: WithModifier[] = [];
    while (this.accept("with")) {
      const { place } = this.token;
      const target = this.dotted("input, data or a function after with");
      this.expect("as", "after the target of with");
      withs.push({ target, value: this.expression(), place });
    }
    return withs;
  }

  /** `a.b["c"]`, of constants. */
  dotted(what: string): string[] {
    const path = [this.name(what)];
    for (;;) {
      if (this.accept(".")) path.push(this.take().text);
      else if (this.isSymbol("[") && !this.token.spaced) {
        this.take();
        const { kind, text } = this.take();
        if (kind !== "string") this.fail(`expected ${what}: a path of constants`);
        this.expect("]", "after a key");
        path.push(text);
      } else return path;
    }
  }

  within(text: string, place: Place): Term {
    const parser = new BodyParser(text, place);
    const term = parser.expression();
    if (parser.token.kind !== "end") throw new RegoError("parse", "a template's braces hold one term", parser.token.place);
    return term;
  }
}

/** What `:=` can give values to. */
function assignable(term: Term): Term {
  const isPattern = (each: Term): boolean => {
    if (each.kind === "var") return each.name !== "input" && each.name !== "data";
    if (each.kind === "array") return each.items.every(isPattern);
    return each.kind === "object" ? each.entries.every(([, value]) => isPattern(value)) : each.kind === "value";
  };
  if (!isPattern(term) || term.kind === "value") throw new RegoError("parse", "cannot assign to this: a variable is needed, or an array or object of variables", term.place);
  return term;
}
