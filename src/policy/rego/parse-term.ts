import { Cursor, describe, KEYWORDS } from "./cursor.ts";
import { unquoted, type Token } from "./lexer.ts";
import type { Body, Term } from "./syntax.ts";
import { RegoSet, type Value } from "./value.ts";

/** Operators by how tightly they bind, the loosest first, with OPA's names for them. */
const LEVELS: ReadonlyArray<Readonly<Record<string, string>>> = [
  { "==": "equal", "!=": "neq", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte" },
  { "|": "or" },
  { "&": "and" },
  { "+": "plus", "-": "minus" },
  { "*": "mul", "/": "div", "%": "rem" },
];

const LITERALS: Readonly<Record<string, Value>> = { true: true, false: false, null: null };

/** Reads terms: all that has a value. */
export abstract class TermParser extends Cursor {
  #wildcards = 0;
  /** Within the head of a comprehension, `|` ends it. */
  #barEnds = false;

  /** Of a comprehension, up to what closes it. */
  abstract body(closing: string): Body;

  /** A term with all its operators, `in` among them. */
  expression(): Term {
    const left = this.operators(0);
    if (!this.isWord("in")) return left;
    const { place } = this.take();
    return { kind: "call", name: ["internal", "member_2"], args: [left, this.operators(0)], place };
  }

  /** The same without `in`, which `some` and `every` have for themselves. */
  operators(level: number): Term {
    const names = LEVELS[level];
    if (names === undefined) return this.nested(() => this.postfixed());
    let left = this.operators(level + 1);
    while (this.token.kind === "symbol" && names[this.token.text] !== undefined && !(this.isSymbol("|") && this.#barEnds)) {
      const { text, place } = this.take();
      left = { kind: "call", name: [names[text] ?? text], args: [left, this.operators(level + 1)], place };
    }
    return left;
  }

  /** A term with the path into it, if there is one. */
  postfixed(): Term {
    const start = this.token;
    let term = this.primary();
    while (!this.token.spaced) {
      if (this.isSymbol("(") && isName(term)) {
        term = { kind: "call", name: nameOf(term), args: this.#arguments(), place: start.place };
        continue;
      }
      const step = this.#step();
      if (step === undefined) break;
      term = term.kind === "ref" ? { ...term, path: [...term.path, step] } : { kind: "ref", head: term, path: [step], place: start.place };
    }
    return term;
  }

  #step(): Term | undefined {
    if (this.accept(".")) {
      const { text, kind, place } = this.take();
      if (kind !== "name") this.fail(`unexpected ${kind} ${JSON.stringify(text)}: expected a name after "."`, place);
      return { kind: "value", value: text, place };
    }
    if (!this.accept("[")) return undefined;
    const step = this.#inBrackets(() => this.expression());
    this.expect("]", "after the key of a reference");
    return step;
  }

  #arguments(): Term[] {
    this.expect("(", "before arguments");
    return this.#inBrackets(() => this.#list(")"));
  }

  /** Comma-separated terms up to and with what closes them; one comma may be last. `k, v in xs` is one of them. */
  #list(closing: string): Term[] {
    const items: Term[] = [];
    while (!this.accept(closing)) {
      const item = this.expression();
      items.push(item);
      if (!this.isSymbol(closing)) this.expect(",", `or ${JSON.stringify(closing)} in a list`);
    }
    return items;
  }

  #inBrackets<T>(read: () => T): T {
    const outer = this.#barEnds;
    this.#barEnds = false;
    const result = read();
    this.#barEnds = outer;
    return result;
  }

  #head(): Term {
    const outer = this.#barEnds;
    this.#barEnds = true;
    const term = this.expression();
    this.#barEnds = outer;
    return term;
  }

  primary(): Term {
    const { token } = this;
    switch (token.kind) {
      case "string":
      case "number":
        this.take();
        return { kind: "value", value: token.kind === "string" ? token.text : token.value, place: token.place };
      case "template":
        return this.#template(this.take());
      case "name":
        return this.#named();
      case "symbol":
        return this.#bracketed();
      case "end":
        return this.fail("unexpected end of the policy: expected a value");
    }
  }

  #named(): Term {
    const { text, place } = this.token;
    if (text in LITERALS) {
      this.take();
      return { kind: "value", value: LITERALS[text] ?? null, place };
    }
    if (KEYWORDS.has(text) && !(text === "contains" && this.next.kind === "symbol" && this.next.text === "(")) this.fail(`unexpected ${text} keyword`);
    this.take();
    if (text === "set" && this.isSymbol("(") && !this.token.spaced && this.next.text === ")" && this.next.kind === "symbol") {
      this.take();
      this.take();
      return { kind: "value", value: new RegoSet([]), place };
    }
    return { kind: "var", name: text === "_" ? this.wildcard() : text, place };
  }

  /** A name that no policy can write. */
  wildcard(): string {
    return `$${this.#wildcards++}`;
  }

  #bracketed(): Term {
    const { place } = this.token;
    if (this.accept("(")) {
      const term = this.#inBrackets(() => this.memberOf(this.expression()));
      this.expect(")", "after a term in parentheses");
      return term;
    }
    if (this.isSymbol("-") && this.next.kind === "number" && !this.next.spaced) {
      this.take();
      const { value } = this.take();
      return { kind: "value", value: typeof value === "bigint" ? -value : -Number(value), place };
    }
    if (this.accept("[")) return this.#inBrackets(() => this.#array());
    if (this.accept("{")) return this.#inBrackets(() => this.#braced());
    return this.fail(`unexpected ${describe(this.token)}: expected a value`);
  }

  /** `k, v in xs`, of which the first was read. */
  memberOf(first: Term): Term {
    if (!this.isSymbol(",")) return first;
    this.take();
    const value = this.operators(0);
    const { place } = this.expect("in", "after a key and a value");
    return { kind: "call", name: ["internal", "member_3"], args: [first, value, this.operators(0)], place };
  }

  #array(): Term {
    const { place } = this.token;
    if (this.accept("]")) return { kind: "array", items: [], place };
    const first = this.#head();
    if (this.accept("|")) return this.#comprehension("array", undefined, first);
    return { kind: "array", items: this.#rest(first, "]"), place };
  }

  #rest(first: Term, closing: string): Term[] {
    if (this.accept(closing)) return [first];
    this.expect(",", `or ${JSON.stringify(closing)} in a list`);
    return [first, ...this.#list(closing)];
  }

  #braced(): Term {
    const { place } = this.token;
    if (this.accept("}")) return { kind: "object", entries: [], place };
    const first = this.#head();
    if (this.accept("|")) return this.#comprehension("set", undefined, first);
    if (!this.accept(":")) return { kind: "set", items: this.#rest(first, "}"), place };
    const value = this.#head();
    if (this.accept("|")) return this.#comprehension("object", first, value);
    const entries: Array<readonly [Term, Term]> = [[first, value]];
    while (!this.accept("}")) {
      this.expect(",", 'or "}" in an object');
      if (this.accept("}")) break;
      const key = this.expression();
      this.expect(":", "after the key of an object");
      entries.push([key, this.expression()]);
    }
    return { kind: "object", entries, place };
  }

  #comprehension(makes: "array" | "set" | "object", key: Term | undefined, value: Term): Term {
    const closing = makes === "array" ? "]" : "}";
    const body = this.body(closing);
    this.expect(closing, "after a comprehension");
    return { kind: "comprehension", makes, key, value, body, place: value.place };
  }

  /** `$"text {term}"`. */
  #template({ text, place }: Token): Term {
    const content = text.slice(2, -1);
    const isRaw = text.startsWith("$`");
    const parts: Array<string | Term> = [];
    let literal = "";
    for (let i = 0; i < content.length; i++) {
      const char = content.charAt(i);
      if (char === "\\" && i + 1 < content.length && (!isRaw || content.charAt(i + 1) === "{")) {
        literal += content.charAt(i + 1) === "{" ? "{" : char + content.charAt(i + 1);
        i++;
      } else if (char === "{") {
        const end = content.indexOf("}", i);
        if (end === -1) this.fail("a template's { is not closed", place);
        parts.push(isRaw ? literal : unquoted(`"${literal}"`, place), this.within(content.slice(i + 1, end), { ...place, column: place.column + 2 + i + 1 }));
        literal = "";
        i = end;
      } else literal += char;
    }
    return { kind: "template", parts: [...parts, isRaw ? literal : unquoted(`"${literal}"`, place)], place };
  }

  /** A term in a text of its own. */
  abstract within(text: string, place: Token["place"]): Term;
}

function isName(term: Term): boolean {
  return term.kind === "var" || (term.kind === "ref" && term.head.kind === "var" && term.path.every((step) => step.kind === "value" && typeof step.value === "string"));
}

function nameOf(term: Term): string[] {
  if (term.kind === "var") return [term.name];
  return term.kind === "ref" && term.head.kind === "var" ? [term.head.name, ...term.path.map((step) => (step.kind === "value" && typeof step.value === "string" ? step.value : ""))] : [];
}
