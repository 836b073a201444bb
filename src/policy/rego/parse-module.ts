import { describe } from "./cursor.ts";
import { BodyParser } from "./parse-body.ts";
import type { Place } from "./rego-error.ts";
import type { Body, Import, Module, Rule, Term } from "./syntax.ts";

/** Reads a policy's file, in version 1 of the language. Throws RegoError with the place of what it cannot read. */
export function parseModule(file: string, text: string): Module {
  return new ModuleParser(text, { file, line: 1, column: 1 }).module(file);
}

const TRUE = (place: Place): Term => ({ kind: "value", value: true, place });

interface Head extends Pick<Rule, "path" | "keys" | "makes" | "args" | "value"> {
  readonly hasValue: boolean;
}

class ModuleParser extends BodyParser {
  module(file: string): Module {
    if (!this.accept("package")) this.fail("package expected");
    const path = this.dotted("the name of a package");
    const imports: Import[] = [];
    const rules: Rule[] = [];
    while (this.token.kind !== "end") {
      if (!this.token.startsLine && !this.accept(";")) this.fail(`unexpected ${describe(this.token)}: expected a line's end`);
      if (this.isWord("import")) imports.push(...this.#import());
      else rules.push(this.#rule());
    }
    return { file, package: path, imports, rules };
  }

  #import(): Import[] {
    const { place } = this.take();
    const path = this.#importPath();
    const alias = this.accept("as") ? this.name("a name after as") : undefined;
    const [root, second] = path;
    // The language of version 1 has all of these.
    if (root === "rego" && second === "v1") return [];
    if (root === "future" && second === "keywords") return [];
    if (root !== "data" && root !== "input") this.fail(`invalid path ${path.join(".")}: path must begin with input or data`, place);
    return [{ path, alias: alias ?? path.at(-1) ?? "", place }];
  }

  /** The last name may be a keyword: `future.keywords.in`. */
  #importPath(): string[] {
    return this.dotted("a path after import");
  }

  #rule(): Rule {
    const { place } = this.token;
    if (this.accept("default")) {
      const head = this.#head();
      if (!head.hasValue) this.fail("default rules must have a value", place);
      return { ...ruleOf(head), isDefault: true, body: [], otherwise: undefined, place };
    }
    const head = this.#head();
    const body = this.#condition(place);
    if (body.length === 0 && !head.hasValue && head.makes !== "set") this.fail("`if` keyword is required before rule body, or a value after `:=`", place);
    return { ...ruleOf(head), isDefault: false, body, otherwise: this.#otherwise(head), place };
  }

  #condition(place: Place): Body {
    if (!this.accept("if")) {
      if (this.isSymbol("{")) this.fail("`if` keyword is required before rule body", place);
      return [];
    }
    if (!this.accept("{")) return [this.literal()];
    const body = this.body("}");
    this.expect("}", "after the body of a rule");
    return body;
  }

  #otherwise(head: Head): Rule | undefined {
    const { place } = this.token;
    if (!this.isWord("else")) return undefined;
    if (head.makes === "set" || head.keys.length > 0) this.fail("else keyword cannot be used on multi-value rules");
    this.take();
    const hasValue = this.accept(":=") || this.accept("=");
    const value = hasValue ? this.expression() : TRUE(place);
    const body = this.#condition(place);
    if (!hasValue && body.length === 0) this.fail("`if` keyword is required before rule body", place);
    return { ...ruleOf({ ...head, value }), isDefault: false, body, otherwise: this.#otherwise(head), place };
  }

  #head(): Head {
    const { place } = this.token;
    const term = this.#headTerm();
    const { path, keys } = term;
    if (this.isSymbol("(") && !this.token.spaced) {
      if (keys.length > 0) this.fail("a function's name must be constant", place);
      this.take();
      const args = this.#parameters();
      return { path, keys, makes: "function", args, ...this.#headValue(place) };
    }
    if (this.accept("contains")) return { path, keys, makes: "set", args: [], value: this.expression(), hasValue: true };
    return { path, keys, makes: "value", args: [], ...this.#headValue(place) };
  }

  #headValue(place: Place): Pick<Head, "value" | "hasValue"> {
    const hasValue = this.accept(":=") || this.accept("=");
    return { value: hasValue ? this.expression() : TRUE(place), hasValue };
  }

  #parameters(): Term[] {
    const args: Term[] = [];
    while (!this.accept(")")) {
      args.push(this.expression());
      if (!this.isSymbol(")")) this.expect(",", 'or ")" in a list of parameters');
    }
    return args;
  }

  #headTerm(): Pick<Head, "path" | "keys"> {
    const path = [this.name("a rule")];
    const keys: Term[] = [];
    for (;;) {
      if (this.accept(".")) {
        const { text, place } = this.take();
        if (keys.length === 0) path.push(text);
        else keys.push({ kind: "value", value: text, place });
      } else if (this.isSymbol("[") && !this.token.spaced) {
        this.take();
        const key = this.expression();
        this.expect("]", "after the key of a rule");
        if (keys.length === 0 && key.kind === "value" && typeof key.value === "string") path.push(key.value);
        else keys.push(key);
      } else return { path, keys };
    }
  }
}

function ruleOf({ path, keys, makes, args, value }: Head): Pick<Rule, "path" | "keys" | "makes" | "args" | "value"> {
  return { path, keys, makes, args, value };
}
