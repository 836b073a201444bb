import { lex, type Token, type TokenKind } from "./lexer.ts";
import { quote } from "./quote.ts";
import { TemplateError } from "./template-error.ts";

/** Tokens with a place in them; complains in the words of Go's parser. */
export class TokenStream {
  readonly #name: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #furthest = 0;
  /** Line of the action that is being read, for the complaint that it has no end. */
  actionLine = 0;

  constructor(name: string, text: string, hasFunction: (name: string) => boolean) {
    this.#name = name;
    this.#tokens = lex(text, hasFunction);
  }

  get mark(): number {
    return this.#at;
  }

  rewind(mark: number): void {
    this.#at = mark;
  }

  peek(): Token {
    return this.#token(this.#at);
  }

  next(): Token {
    const token = this.#token(this.#at);
    // The last token, an end or an error, can be had any number of times.
    if (this.#at < this.#tokens.length - 1) this.#at += 1;
    return token;
  }

  peekNonSpace(): Token {
    while (this.peek().kind === "space") this.next();
    return this.peek();
  }

  nextNonSpace(): Token {
    this.peekNonSpace();
    return this.next();
  }

  expect(kind: TokenKind, context: string): Token {
    const token = this.nextNonSpace();
    return token.kind === kind ? token : this.unexpected(token, context);
  }

  /** Whether the keyword comes next. */
  isKeyword(word: string): boolean {
    const token = this.peekNonSpace();
    return token.kind === "keyword" && token.text === word;
  }

  unexpected(token: Token, context: string): never {
    if (token.kind !== "error") return this.fail(`unexpected ${tokenText(token)} in ${context}`);
    const started = this.actionLine !== 0 && this.actionLine !== token.line ? `started at ${this.#name}:${this.actionLine}` : "";
    const joint = token.text.endsWith(" action") ? " " : " in action ";
    return this.fail(token.text + (started === "" ? "" : joint + started));
  }

  fail(text: string): never {
    throw new TemplateError("parse", `template: ${this.#name}:${this.#token(this.#furthest).line}: ${text}`);
  }

  #token(index: number): Token {
    this.#furthest = Math.max(this.#furthest, index);
    const token = this.#tokens[index];
    if (token === undefined) throw new RangeError(`no token ${index}`);
    return token;
  }
}

function tokenText({ kind, text }: Token): string {
  if (kind === "eof") return "EOF";
  if (kind === "keyword" || kind === "dot" || kind === "nil") return `<${text}>`;
  const characters = Array.from(text);
  return characters.length > 10 ? `${quote(characters.slice(0, 10).join(""))}...` : quote(text);
}
