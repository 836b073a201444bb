import { tokenize, type Token } from "./lexer.ts";
import { RegoError, type Place } from "./rego-error.ts";

/** Nesting that a policy may have: far above any real one, and well within what a call stack holds. */
const DEPTH_MAX = 400;

export const KEYWORDS: ReadonlySet<string> = new Set(["as", "contains", "default", "else", "every", "false", "if", "import", "in", "not", "null", "package", "some", "true", "with"]);

/** Reads tokens one after the other. */
export class Cursor {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string, start: Place) {
    this.#tokens = tokenize(text, start);
  }

  get token(): Token {
    return this.#look(0);
  }

  get next(): Token {
    return this.#look(1);
  }

  #look(ahead: number): Token {
    const token = this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)];
    if (token === undefined) throw new RangeError("there is always an end");
    return token;
  }

  take(): Token {
    const { token } = this;
    this.#at++;
    return token;
  }

  isSymbol(text: string): boolean {
    return this.token.kind === "symbol" && this.token.text === text;
  }

  isWord(text: string): boolean {
    return this.token.kind === "name" && this.token.text === text;
  }

  /** Takes the symbol or the word if it is next. */
  accept(text: string): boolean {
    if (!this.isSymbol(text) && !this.isWord(text)) return false;
    this.#at++;
    return true;
  }

  expect(text: string, where: string): Token {
    if (!this.isSymbol(text) && !this.isWord(text)) this.fail(`unexpected ${describe(this.token)}: expected ${JSON.stringify(text)} ${where}`);
    return this.take();
  }

  /** A name that is no keyword. */
  name(what: string): string {
    if (this.token.kind !== "name" || KEYWORDS.has(this.token.text)) this.fail(`unexpected ${describe(this.token)}: expected ${what}`);
    return this.take().text;
  }

  fail(message: string, place: Place = this.token.place): never {
    throw new RegoError("parse", message, place);
  }

  /** Reads what may hold itself. */
  nested<T>(read: () => T): T {
    if (++this.#depth > DEPTH_MAX) this.fail(`more than ${DEPTH_MAX} levels of nesting`);
    const result = read();
    this.#depth--;
    return result;
  }
}

export function describe({ kind, text }: Token): string {
  if (kind === "end") return "end of the policy";
  if (kind === "name") return KEYWORDS.has(text) ? `${text} keyword` : `identifier ${JSON.stringify(text)}`;
  return `${kind} ${JSON.stringify(text)}`;
}
