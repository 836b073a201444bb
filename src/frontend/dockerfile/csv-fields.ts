import { trimStart } from "./go-text.ts";
import { encodeSource } from "./source-text.ts";

export interface CsvRules {
  /** One character; a comma unless said. */
  readonly separator?: string;
  /** Quotes that stand wrong are taken as they stand. */
  readonly lazyQuotes?: boolean;
  readonly trimLeadingSpace?: boolean;
}

/** A value that is not CSV. Columns count bytes from 1. */
export class CsvError extends Error {
  override readonly name = "CsvError";
  readonly code: "empty" | "bare-quote" | "quote";

  constructor(code: CsvError["code"], text = "", at = 0) {
    const column = encodeSource(text.slice(0, at)).length + 1;
    super(code === "empty" ? "EOF" : `parse error on line 1, column ${column}: ${code === "quote" ? "extraneous or missing" : "bare"} " in ${code === "quote" ? "quoted-field" : "non-quoted-field"}`);
    this.code = code;
  }

  get retryable(): boolean {
    return false;
  }
}

/** The fields of a one-line CSV value, such as that of `--mount`. Line feeds are taken as any other character, but for the last. */
export function csvFields(value: string, rules: CsvRules = {}): readonly string[] {
  const text = value.replace(/\r?\n$/, "");
  if (text === "") throw new CsvError("empty");
  const reader = new CsvReader(text, rules);
  const fields = [reader.field()];
  while (reader.takeSeparator()) fields.push(reader.field());
  return fields;
}

class CsvReader {
  readonly #text: string;
  readonly #rules: CsvRules;
  readonly #separator: string;
  #at = 0;

  constructor(text: string, rules: CsvRules) {
    this.#text = text;
    this.#rules = rules;
    this.#separator = rules.separator ?? ",";
  }

  takeSeparator(): boolean {
    if (!this.#text.startsWith(this.#separator, this.#at)) return false;
    this.#at += this.#separator.length;
    return true;
  }

  field(): string {
    if (this.#rules.trimLeadingSpace === true) this.#at = this.#text.length - trimStart(this.#text.slice(this.#at)).length;
    if (this.#text.startsWith('"', this.#at)) return this.#quoted();
    const found = this.#text.indexOf(this.#separator, this.#at);
    const end = found === -1 ? this.#text.length : found;
    const field = this.#text.slice(this.#at, end);
    const quoteAt = field.indexOf('"');
    if (quoteAt !== -1 && this.#rules.lazyQuotes !== true) throw new CsvError("bare-quote", this.#text, this.#at + quoteAt);
    this.#at = end;
    return field;
  }

  #quoted(): string {
    this.#at++;
    let field = "";
    for (;;) {
      const quoteAt = this.#text.indexOf('"', this.#at);
      if (quoteAt === -1) return field + this.#unclosed();
      field += this.#text.slice(this.#at, quoteAt);
      this.#at = quoteAt + 1;
      if (this.#text.startsWith('"', this.#at)) this.#at++;
      else if (this.#at === this.#text.length || this.#text.startsWith(this.#separator, this.#at)) return field;
      else if (this.#rules.lazyQuotes !== true) throw new CsvError("quote", this.#text, quoteAt);
      field += '"';
    }
  }

  #unclosed(): string {
    if (this.#rules.lazyQuotes !== true) throw new CsvError("quote", this.#text, this.#at);
    const rest = this.#text.slice(this.#at);
    this.#at = this.#text.length;
    return rest;
  }
}
