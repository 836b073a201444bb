import { cut, toLower, trimEndOf, trimStart } from "./go-text.ts";
import { InstructionError } from "./dockerfile-error.ts";
import type { Directive } from "./parsed.ts";
import { lineRanges, type Range } from "./source-range.ts";
import { decodeSource } from "./source-text.ts";

const BLANKS = "\t\n\f\r ";
const DIRECTIVE = /^([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=([^\n]+)$/;

/** Reads the `# name=value` lines that may stand before all else; any other line ends them. */
export class DirectiveReader {
  readonly #seen = new Set<string>();
  readonly #comment: string;
  #line: number;
  #done = false;

  /** `line` is the number of lines before the first that will be offered. */
  constructor(comment = "#", line = 0) {
    this.#comment = comment;
    this.#line = line;
  }

  get done(): boolean {
    return this.#done;
  }

  /** The directive on the next line. Throws InstructionError for one that was given already. */
  read(line: string): Directive | undefined {
    this.#line++;
    if (this.#done) return undefined;
    const [, word = "", value = ""] = (line.startsWith(this.#comment) && DIRECTIVE.exec(trimStart(line.slice(this.#comment.length)))) || [];
    const name = directiveName(toLower(word));
    if (name === undefined) {
      this.#done = true;
      return undefined;
    }
    if (this.#seen.has(name)) throw new InstructionError(`only one ${name} parser directive can be used`, "source");
    this.#seen.add(name);
    return { name, value: valueOf(value), location: lineRanges(this.#line, this.#line) };
  }
}

/** Without the blanks around it; of blanks alone the last one is the value. */
function valueOf(text: string): string {
  const value = trimEndOf(text, BLANKS).replace(/^[\t\n\f\r ]+/, "");
  return value === "" ? text.slice(-1) : value;
}

function directiveName(word: string): Directive["name"] | undefined {
  return word === "syntax" || word === "escape" || word === "check" ? word : undefined;
}

/** A directive found without parsing the file. */
export interface FoundDirective {
  /** The value up to the first blank: for `syntax`, the frontend image. */
  readonly ref: string;
  readonly value: string;
  readonly location: readonly Range[];
}

/** One `# name=value` directive of a file that may begin with a byte order mark or a `#!` line. */
export function findDirective(name: Directive["name"], bytes: Uint8Array): FoundDirective | undefined {
  const { text, skipped } = withoutShebang(bytes);
  return scanDirective(name, text, new DirectiveReader("#", skipped));
}

/** Which frontend a file asks for: `# syntax=`, else `// syntax=`, else the key `syntax` of a JSON object. */
export function detectSyntax(bytes: Uint8Array): FoundDirective | undefined {
  const { text, skipped } = withoutShebang(bytes);
  const ref =
    scanDirective("syntax", text, new DirectiveReader("#", skipped)) ??
    scanDirective("syntax", text, new DirectiveReader("//", skipped));
  if (ref !== undefined) return ref;
  const value = jsonSyntax(text);
  return value === undefined ? undefined : { ref: value, value, location: lineRanges(skipped, skipped) };
}

/** `text` without a byte order mark at its start. */
export function withoutByteOrderMark(text: string): string {
  return text.replace(/^\ufeff/, "");
}

function withoutShebang(bytes: Uint8Array): { readonly text: string; readonly skipped: number } {
  const text = withoutByteOrderMark(decodeSource(bytes));
  return text.startsWith("#!") ? { text: cut(text, "\n").after, skipped: 1 } : { text, skipped: 0 };
}

function scanDirective(name: Directive["name"], text: string, reader: DirectiveReader): FoundDirective | undefined {
  for (let rest = text; rest !== "" && !reader.done; ) {
    const { before, after } = cut(rest, "\n");
    const directive = readQuietly(before.replace(/\r$/, ""), reader);
    if (directive === "repeated") return undefined;
    if (directive?.name === name) return { ref: cut(directive.value, " ").before, value: directive.value, location: directive.location };
    rest = after;
  }
  return undefined;
}

function readQuietly(line: string, reader: DirectiveReader): Directive | "repeated" | undefined {
  try {
    return reader.read(line);
  } catch (error) {
    if (error instanceof InstructionError) return "repeated";
    throw error;
  }
}

function jsonSyntax(text: string): string | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text.toWellFormed());
    const syntax: unknown = typeof value === "object" && value !== null && "syntax" in value ? value.syntax : undefined;
    return typeof syntax === "string" ? syntax.toWellFormed() : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
