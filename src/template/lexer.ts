import { describeRune, quote } from "./quote.ts";

export type TokenKind =
  | "text" | "leftDelim" | "rightDelim" | "space" | "eof" | "error"
  | "identifier" | "field" | "variable" | "keyword" | "dot" | "nil" | "bool"
  | "number" | "complex" | "charConstant" | "string" | "rawString"
  | "pipe" | "assign" | "declare" | "leftParen" | "rightParen" | "char";

export interface Token {
  readonly kind: TokenKind;
  /** As written; of an error, its text. */
  readonly text: string;
  /** Offset in the template, in UTF-16 units. */
  readonly position: number;
  readonly line: number;
}

const KEYWORDS: ReadonlySet<string> = new Set(["block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"]);

const LEFT = "{{";
const RIGHT = "}}";
const SPACE = " \t\r\n";
const WORD = /[_\p{L}\p{Nd}]+/uy;
const WORD_CHARACTER = /[_\p{L}\p{Nd}]/uy;
const TERMINATOR = /[ \t\r\n.,|:)(]|\}\}|$/y;
const SPACES = /[ \t\r\n]+/y;
const NUMBER =
  /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/y;
const QUOTED = /"(?:[^"\\\n]|\\[^\n])*"/y;
const CHARACTER = /'(?:[^'\\\n]|\\[^\n])*'/y;
const PRINTABLE_ASCII = /^[ -~]$/;

/**
 * The tokens of a template. Never throws: what is wrong is the last token, of kind "error".
 * Words that became keywords late are names where there are functions of these names.
 */
export function lex(input: string, hasFunction: (name: string) => boolean): readonly Token[] {
  const shadowed = new Set(["break", "continue"].filter(hasFunction));
  return new Lexer(input, KEYWORDS.difference(shadowed)).run();
}

class Lexer {
  readonly #input: string;
  readonly #keywords: ReadonlySet<string>;
  readonly #tokens: Token[] = [];
  #at = 0;
  #line = 1;
  #lineCountedTo = 0;
  #parenDepth = 0;

  constructor(input: string, keywords: ReadonlySet<string>) {
    this.#input = input;
    this.#keywords = keywords;
  }

  run(): readonly Token[] {
    while (this.#text() && this.#action());
    return this.#tokens;
  }

  /** Text up to the next action; false at the end or after an error. */
  #text(): boolean {
    const found = this.#input.indexOf(LEFT, this.#at);
    const end = found < 0 ? this.#input.length : found;
    const trims = found >= 0 && this.#startsWith("-", found + LEFT.length) && this.#isSpaceAt(found + LEFT.length + 1);
    let textEnd = end;
    if (trims) while (textEnd > this.#at && this.#isSpaceAt(textEnd - 1)) textEnd -= 1;
    if (textEnd > this.#at) this.#emit("text", textEnd);
    this.#at = end;
    if (found >= 0) return this.#leftDelimiter(trims ? LEFT.length + 2 : LEFT.length);
    this.#emit("eof", end);
    return false;
  }

  #leftDelimiter(length: number): boolean {
    const inner = this.#at + length;
    if (this.#startsWith("/*", inner)) return this.#comment(inner) && this.#text();
    this.#emit("leftDelim", this.#at + LEFT.length);
    this.#at = inner;
    this.#parenDepth = 0;
    return true;
  }

  #comment(start: number): boolean {
    const close = this.#input.indexOf("*/", start + 2);
    if (close < 0) return this.#fail("unclosed comment");
    const after = close + 2;
    const right = this.#rightDelimiterAt(after);
    if (right === undefined) return this.#fail("comment ends before closing delimiter");
    this.#at = after + right.length;
    if (right.trims) this.#skipSpace();
    return true;
  }

  /** Everything to the end of an action; false after an error. */
  #action(): boolean {
    for (;;) {
      const right = this.#rightDelimiterAt(this.#at);
      if (right !== undefined) {
        if (this.#parenDepth > 0) return this.#fail("unclosed left paren");
        this.#at += right.length - RIGHT.length;
        this.#emit("rightDelim", this.#at + RIGHT.length);
        if (right.trims) this.#skipSpace();
        return true;
      }
      if (!this.#token()) return false;
    }
  }

  #token(): boolean {
    const at = this.#at;
    const character = at < this.#input.length ? String.fromCodePoint(this.#input.codePointAt(at) ?? 0) : undefined;
    if (character === undefined) return this.#fail("unclosed action");
    if (SPACE.includes(character)) return this.#spaces();
    switch (character) {
      case "=":
        return this.#emit("assign", at + 1);
      case ":":
        return this.#startsWith(":=", at) ? this.#emit("declare", at + 2) : this.#fail("expected :=");
      case "|":
        return this.#emit("pipe", at + 1);
      case '"':
        return this.#match(QUOTED, "string") || this.#fail("unterminated quoted string");
      case "'":
        return this.#match(CHARACTER, "charConstant") || this.#fail("unterminated character constant");
      case "`": {
        const close = this.#input.indexOf("`", at + 1);
        return close < 0 ? this.#fail("unterminated raw quoted string") : this.#emit("rawString", close + 1);
      }
      case "$":
        return this.#named("variable", at + 1);
      case "(":
        this.#parenDepth += 1;
        return this.#emit("leftParen", at + 1);
      case ")":
        this.#parenDepth -= 1;
        return this.#parenDepth < 0 ? this.#fail(`unexpected right paren`) : this.#emit("rightParen", at + 1);
      default:
        return this.#numberWordOrCharacter(character);
    }
  }

  #numberWordOrCharacter(character: string): boolean {
    const next = this.#input[this.#at + 1] ?? "";
    if (character === "." && next !== "" && !/[0-9]/.test(next)) return this.#named("field", this.#at + 1);
    if (/[0-9.+-]/.test(character)) return this.#number();
    if (endOfMatch(WORD, this.#input, this.#at) > 0) return this.#word();
    if (PRINTABLE_ASCII.test(character)) return this.#emit("char", this.#at + 1);
    return this.#fail(`unrecognized character in action: ${describeRune(character)}`);
  }

  /** Spaces; the last one is left to a trim marker that it belongs to. */
  #spaces(): boolean {
    const end = endOfMatch(SPACES, this.#input, this.#at);
    const trimsAfter = this.#rightDelimiterAt(end - 1)?.trims === true;
    return this.#emit("space", trimsAfter ? end - 1 : end);
  }

  #word(): boolean {
    const end = endOfMatch(WORD, this.#input, this.#at);
    if (!this.#isTerminated(end)) return this.#failAt(end);
    const word = this.#input.slice(this.#at, end);
    const kind = this.#keywords.has(word) ? "keyword" : word === "nil" ? "nil" : word === "true" || word === "false" ? "bool" : "identifier";
    return this.#emit(kind, end);
  }

  /** `.name` and `$name`; each may also stand alone. */
  #named(kind: "field" | "variable", start: number): boolean {
    if (this.#isTerminated(start)) return this.#emit(kind === "field" ? "dot" : kind, start);
    const end = Math.max(start, endOfMatch(WORD, this.#input, start));
    return this.#isTerminated(end) ? this.#emit(kind, end) : this.#failAt(end);
  }

  #number(): boolean {
    let end = this.#numberEnd(this.#at);
    let kind: TokenKind = "number";
    if (end !== undefined && /[+-]/.test(this.#input[end] ?? "")) {
      kind = "complex";
      const second = this.#numberEnd(end);
      if (second === undefined) return this.#badNumber(end);
      if (this.#input[second - 1] !== "i") return this.#fail(`bad number syntax: ${quote(this.#input.slice(this.#at, second))}`);
      end = second;
    }
    return end === undefined ? this.#badNumber(this.#at) : this.#emit(kind, end);
  }

  /** Told up to the first letter that follows the part that starts there. */
  #badNumber(start: number): false {
    const bad = endOfMatch(NUMBER, this.#input, start);
    return this.#fail(`bad number syntax: ${quote(this.#input.slice(this.#at, endOfMatch(WORD_CHARACTER, this.#input, bad)))}`);
  }

  /** Undefined where a letter follows the number. */
  #numberEnd(start: number): number | undefined {
    const end = endOfMatch(NUMBER, this.#input, start);
    return endOfMatch(WORD_CHARACTER, this.#input, end) > 0 ? undefined : end;
  }

  #match(pattern: RegExp, kind: TokenKind): boolean {
    const end = endOfMatch(pattern, this.#input, this.#at);
    return end > 0 && this.#emit(kind, end);
  }

  #rightDelimiterAt(position: number): { readonly length: number; readonly trims: boolean } | undefined {
    if (this.#startsWith(RIGHT, position)) return { length: RIGHT.length, trims: false };
    const trims = this.#isSpaceAt(position) && this.#startsWith(`-${RIGHT}`, position + 1);
    return trims ? { length: RIGHT.length + 2, trims } : undefined;
  }

  #isTerminated(position: number): boolean {
    return endOfMatch(TERMINATOR, this.#input, position) >= position;
  }

  #startsWith(text: string, position: number): boolean {
    return this.#input.startsWith(text, position);
  }

  #isSpaceAt(position: number): boolean {
    const character = this.#input[position];
    return character !== undefined && SPACE.includes(character);
  }

  #skipSpace(): void {
    while (this.#isSpaceAt(this.#at)) this.#at += 1;
  }

  #emit(kind: TokenKind, end: number): true {
    this.#tokens.push({ kind, text: this.#input.slice(this.#at, end), position: this.#at, line: this.#lineHere() });
    this.#at = end;
    return true;
  }

  #fail(text: string): false {
    this.#tokens.push({ kind: "error", text, position: this.#at, line: this.#lineHere() });
    return false;
  }

  #failAt(position: number): false {
    return this.#fail(`bad character ${describeRune(String.fromCodePoint(this.#input.codePointAt(position) ?? 0))}`);
  }

  #lineHere(): number {
    for (; this.#lineCountedTo < this.#at; this.#lineCountedTo += 1) if (this.#input[this.#lineCountedTo] === "\n") this.#line += 1;
    return this.#line;
  }
}

/** Where a match that starts at `position` ends; -1 without one. */
function endOfMatch(pattern: RegExp, input: string, position: number): number {
  pattern.lastIndex = position;
  return pattern.test(input) ? pattern.lastIndex : -1;
}
