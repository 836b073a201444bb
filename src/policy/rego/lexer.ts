import { RegoError, type Place } from "./rego-error.ts";
import type { Value } from "./value.ts";
import { readNumber } from "./number.ts";

export interface Token {
  readonly kind: "name" | "string" | "number" | "template" | "symbol" | "end";
  /** Of a string its content; of a template what stands between its quotes. */
  readonly text: string;
  readonly value: Value;
  readonly place: Place;
  /** The token is the first of its line. */
  readonly startsLine: boolean;
  /** Something blank stands before it. */
  readonly spaced: boolean;
}

const SYMBOLS = [":=", "==", "!=", "<=", ">=", "=", "<", ">", "+", "-", "*", "/", "%", "&", "|", "(", ")", "[", "]", "{", "}", ",", ":", ";", "."];
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const QUOTED = /"(?:[^"\\\n]|\\.)*"/y;
const RAW = /`[^`]*`/y;
const TEMPLATE = /\$"(?:[^"\\\n]|\\.)*"|\$`[^`]*`/y;

/** Throws RegoError for what is no token. The last one is the end. */
export function tokenize(text: string, start: Place): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let { line } = start;
  let lineStart = 1 - start.column;
  let startsLine = true;
  let spaced = true;
  while (at < text.length) {
    const char = text.charAt(at);
    const place = { file: start.file, line, column: at - lineStart + 1 };
    if (char === "\n") {
      at++;
      line++;
      lineStart = at;
      startsLine = spaced = true;
    } else if (/\s/.test(char)) {
      at++;
      spaced = true;
    } else if (char === "#") {
      at = text.indexOf("\n", at) === -1 ? text.length : text.indexOf("\n", at);
    } else {
      const { length, ...token } = readToken(text, at, place);
      tokens.push({ ...token, place, startsLine, spaced });
      const newlines = text.slice(at, at + length).split("\n").length - 1;
      line += newlines;
      if (newlines > 0) lineStart = text.lastIndexOf("\n", at + length - 1) + 1;
      at += length;
      startsLine = spaced = false;
    }
  }
  return [...tokens, { kind: "end", text: "", value: null, place: { file: start.file, line, column: at - lineStart + 1 }, startsLine: true, spaced: true }];
}

type Lexeme = Pick<Token, "kind" | "text" | "value"> & { readonly length: number };

function readToken(text: string, at: number, place: Place): Lexeme {
  const template = match(TEMPLATE, text, at);
  if (template !== undefined) return { kind: "template", text: template, value: null, length: template.length };
  const name = match(NAME, text, at);
  if (name !== undefined) return { kind: "name", text: name, value: null, length: name.length };
  const quoted = match(QUOTED, text, at);
  if (quoted !== undefined) return { kind: "string", text: unquoted(quoted, place), value: null, length: quoted.length };
  const raw = match(RAW, text, at);
  if (raw !== undefined) return { kind: "string", text: raw.slice(1, -1), value: null, length: raw.length };
  const number = text.charAt(at) === "-" ? undefined : match(NUMBER, text, at);
  if (number !== undefined) {
    if (/[A-Za-z0-9_]/.test(text.charAt(at + number.length))) throw new RegoError("parse", `illegal number format`, place);
    return { kind: "number", text: number, value: readNumber(number) ?? 0, length: number.length };
  }
  const symbol = SYMBOLS.find((each) => text.startsWith(each, at));
  if (symbol !== undefined) return { kind: "symbol", text: symbol, value: null, length: symbol.length };
  throw new RegoError("parse", `${text.charAt(at) === '"' || text.charAt(at) === "`" ? "non-terminated string" : `illegal token ${JSON.stringify(text.charAt(at))}`}`, place);
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

export function unquoted(quoted: string, place: Place): string {
  try {
    return String(JSON.parse(quoted));
  } catch (error) {
    if (error instanceof SyntaxError) throw new RegoError("parse", `illegal string literal ${quoted}: escapes are those of JSON; write a pattern between backquotes`, place);
    throw error;
  }
}
