import { exceptionId, licenseId } from "./license-names.ts";

/** `license`: a part of an SPDX expression. `words`: what none can say, as written. */
export type LicenseNode =
  | { readonly kind: "license"; readonly expression: string }
  | { readonly kind: "words"; readonly words: string }
  | { readonly kind: "and" | "or"; readonly parts: readonly LicenseNode[] };

/** Longer declarations are the text of a licence, where `and` and `or` are words of its sentences. */
const EXPRESSION_CHARACTERS_MAX = 1000;
const DEPTH_MAX = 30;
const OPERATORS: ReadonlyMap<string, "and" | "or"> = new Map([["and", "and"], ["&&", "and"], ["&", "and"], ["or", "or"], ["||", "or"], ["|", "or"], ["and/or", "or"]]);

/** One declaration: an SPDX expression, or the like in the words of Debian or Fedora; else its words. Never throws. */
export function parseLicense(text: string): LicenseNode {
  const words: LicenseNode = { kind: "words", words: text };
  const known = licenseNode(text);
  if (known !== undefined) return known;
  if (text.length > EXPRESSION_CHARACTERS_MAX || text.includes("\n")) return words;
  return new Parser(text.match(/[(),]|[^\s(),]+/g) ?? []).parse() ?? words;
}

/** Every method returns undefined for what is no expression. */
class Parser {
  readonly #tokens: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  parse(): LicenseNode | undefined {
    const node = this.#commas();
    return this.#at === this.#tokens.length ? node : undefined;
  }

  /** A comma joins what `and` and `or` before it have joined: `A or B, and C` (copyright-format/1.0, "License specification"). */
  #commas(): LicenseNode | undefined {
    let node = this.#joined("or");
    while (node !== undefined && this.#tokens[this.#at] === ",") {
      this.#at++;
      const operator = this.#operator();
      const next = operator === undefined ? undefined : this.#joined("or");
      node = operator === undefined || next === undefined ? undefined : { kind: operator, parts: [node, next] };
    }
    return node;
  }

  #joined(kind: "and" | "or"): LicenseNode | undefined {
    const parts: LicenseNode[] = [];
    for (;;) {
      const part = kind === "or" ? this.#joined("and") : this.#operand();
      if (part === undefined) return undefined;
      parts.push(part);
      if (OPERATORS.get((this.#tokens[this.#at] ?? "").toLowerCase()) !== kind) break;
      this.#at++;
    }
    const [only] = parts;
    return parts.length === 1 ? only : { kind, parts };
  }

  #operand(): LicenseNode | undefined {
    if (this.#tokens[this.#at] !== "(") return this.#name();
    if (++this.#depth > DEPTH_MAX) return undefined;
    this.#at++;
    const node = this.#commas();
    this.#depth--;
    return this.#tokens[this.#at++] === ")" ? node : undefined;
  }

  #operator(): "and" | "or" | undefined {
    const operator = OPERATORS.get((this.#tokens[this.#at] ?? "").toLowerCase());
    if (operator !== undefined) this.#at++;
    return operator;
  }

  /** Words up to an operator. Several that are no name of a licence are no part of an expression, but of a sentence. */
  #name(): LicenseNode | undefined {
    const start = this.#at;
    while (this.#isWord()) this.#at++;
    const name = this.#tokens.slice(start, this.#at).join(" ");
    if (name === "") return undefined;
    return licenseNode(name) ?? (/\s/.test(name) && !/^\S+(?: \d[\d.]*)? with /i.test(name) ? undefined : { kind: "words", words: name });
  }

  #isWord(): boolean {
    const token = this.#tokens[this.#at];
    return token !== undefined && !/^[(),]$/.test(token) && !OPERATORS.has(token.toLowerCase());
  }
}

/** One licence, and perhaps an exception to it; undefined where SPDX lists either not. */
function licenseNode(name: string): LicenseNode | undefined {
  const plain = licenseId(name);
  if (plain !== undefined) return { kind: "license", expression: plain };
  const [, main = "", exception = ""] = /^(.*\S)\s+with\s+(\S.*)$/i.exec(name) ?? [];
  const ids = [licenseId(main), exceptionId(exception)];
  return ids.includes(undefined) ? undefined : { kind: "license", expression: ids.join(" WITH ") };
}
