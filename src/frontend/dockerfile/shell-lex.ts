import { isSpace, quote } from "./go-text.ts";
import { ShellPatternError } from "./shell-pattern.ts";
import { replaceAll, replaceFirst, suffixPattern, trimPrefix, trimSuffix } from "./shell-substitution.ts";

/** Where variables come from. A `Map` is one. */
export interface EnvLookup {
  get(name: string): string | undefined;
}

/** How words are read. `escape` comes from the `# escape=` directive; the rest is off unless said. */
export interface WordRules {
  readonly escape: "\\" | "`";
  /** Keep quotes in the result. */
  readonly rawQuotes?: boolean;
  /** Keep escape characters in the result. */
  readonly rawEscapes?: boolean;
  /** Treat quotes as any other character. */
  readonly skipProcessQuotes?: boolean;
  /** Leave references to unset variables as they stand. */
  readonly skipUnsetEnv?: boolean;
}

export interface ProcessedWord {
  readonly result: string;
  /** The result split at white space outside quotes. */
  readonly words: readonly string[];
  /** Names that were asked for and are set. */
  readonly matched: ReadonlySet<string>;
  /** Names that were asked for and are not set. */
  readonly unmatched: ReadonlySet<string>;
}

/** A word that cannot be expanded. The message is BuildKit's. */
export class ShellWordError extends Error {
  override readonly name = "ShellWordError";
  readonly code: "malformed" | "required-variable" | "bad-pattern";
  readonly matched: ReadonlySet<string>;
  readonly unmatched: ReadonlySet<string>;

  constructor(code: ShellWordError["code"], message: string, seen?: Pick<ProcessedWord, "matched" | "unmatched">) {
    super(message);
    this.code = code;
    this.matched = seen?.matched ?? new Set();
    this.unmatched = seen?.unmatched ?? new Set();
  }

  get retryable(): boolean {
    return false;
  }
}

/** Expands `$name`, `${name}` and the `${name…}` forms, and takes quotes and escapes off, much as a shell does. */
export function processWord(word: string, env: EnvLookup, rules: WordRules): ProcessedWord {
  const scanner = new WordScanner(word, env, rules);
  try {
    const { result, words } = scanner.scan(undefined, rules.rawEscapes === true);
    return { result, words, matched: scanner.matched, unmatched: scanner.unmatched };
  } catch (error) {
    if (!(error instanceof ShellWordError)) throw error;
    throw new ShellWordError(error.code, `failed to process ${quote(word)}: ${error.message}`, scanner);
  }
}

/** The words of an expanded text: split after expansion, at white space outside quotes. */
export function processWords(text: string, env: EnvLookup, rules: WordRules): readonly string[] {
  return processWord(text, env, rules).words;
}

interface Scanned {
  readonly result: string;
  readonly words: readonly string[];
}

/** Far more than anybody writes, and far less than the stack holds. */
const NESTING_MAX = 500;

/** Eight times what Linux lets a variable hold (MAX_ARG_STRLEN). Without an end, `ENV A=$A$A` forty times over would fill the memory. */
const SUBSTITUTED_CHARS_MAX = 1024 * 1024;

/** One pass over one word; `${…}` recurses into `scan`. */
class WordScanner {
  readonly matched = new Set<string>();
  readonly unmatched = new Set<string>();
  readonly #chars: readonly string[];
  readonly #env: EnvLookup;
  readonly #rules: WordRules;
  #at = 0;
  #depth = 0;
  #substitutedChars = 0;
  #rawEscapes = false;
  /** The word being gathered. A nested scan starts it anew: what stood before `${a:-b}` in the same word is lost, in BuildKit too. */
  #pending = "";

  constructor(word: string, env: EnvLookup, rules: WordRules) {
    this.#chars = Array.from(word.toWellFormed().replace(/^\ufeff/, ""));
    this.#env = env;
    this.#rules = rules;
  }

  /** Reads up to `stop`, which it takes, or to the end. */
  scan(stop: string | undefined, rawEscapes: boolean): Scanned {
    const outerRawEscapes = this.#rawEscapes;
    this.#rawEscapes = rawEscapes;
    this.#pending = "";
    const words: string[] = [];
    let result = "";
    for (let char = this.#peek(); char !== undefined && char !== stop; char = this.#peek()) {
      const { text, splits } = this.#scanUnit(char);
      result += text;
      if (splits) this.#addSplitting(text, words);
      else this.#pending += text;
    }
    if (stop !== undefined && this.#next() === undefined) {
      throw new ShellWordError("malformed", `unexpected end of statement while looking for matching ${stop}`);
    }
    if (this.#pending !== "") words.push(this.#pending);
    this.#pending = "";
    this.#rawEscapes = outerRawEscapes;
    return { result, words };
  }

  /** The next piece of text, and whether white space in it separates words. */
  #scanUnit(char: string): { readonly text: string; readonly splits: boolean } {
    if (char === "$") return { text: this.#substituted(), splits: true };
    if (char === "<") return { text: this.#heredocMark(), splits: false };
    if (this.#rules.skipProcessQuotes !== true) {
      if (char === "'") return { text: this.#singleQuoted(), splits: false };
      if (char === '"') return { text: this.#doubleQuoted(), splits: false };
    }
    this.#at++;
    if (char !== this.#rules.escape) return { text: char, splits: true };
    return { text: (this.#rawEscapes ? char : "") + (this.#next() ?? ""), splits: false };
  }

  #substituted(): string {
    const text = this.#dollar();
    this.#substitutedChars += text.length;
    if (this.#substitutedChars > SUBSTITUTED_CHARS_MAX) throw new ShellWordError("malformed", `variables put more than ${SUBSTITUTED_CHARS_MAX} characters into one word`);
    return text;
  }

  #addSplitting(text: string, words: string[]): void {
    for (const char of text) {
      if (!isSpace(char)) this.#pending += char;
      else if (this.#pending !== "") {
        words.push(this.#pending);
        this.#pending = "";
      }
    }
  }

  #singleQuoted(): string {
    const close = this.#chars.indexOf("'", this.#at + 1);
    if (close === -1) {
      this.#at = this.#chars.length;
      throw new ShellWordError("malformed", "unexpected end of statement while looking for matching single-quote");
    }
    const text = this.#chars.slice(this.#at + 1, close).join("");
    this.#at = close + 1;
    return this.#rules.rawQuotes === true ? `'${text}'` : text;
  }

  #doubleQuoted(): string {
    this.#at++;
    let text = "";
    for (let char = this.#peek(); char !== undefined; char = this.#peek()) {
      if (char === "$") {
        text += this.#substituted();
        continue;
      }
      this.#at++;
      if (char === '"') return this.#rules.rawQuotes === true ? `"${text}"` : text;
      text += char === this.#rules.escape ? this.#escapeInQuotes(char) : char;
    }
    throw new ShellWordError("malformed", "unexpected end of statement while looking for matching double-quote");
  }

  /** Within double quotes only `"`, `$` and the escape itself can be escaped. */
  #escapeInQuotes(escape: string): string {
    const kept = this.#rawEscapes ? escape : "";
    const next = this.#peek();
    if (next === undefined) return kept;
    if (next !== '"' && next !== "$" && next !== escape) return kept + escape;
    this.#at++;
    return kept + next;
  }

  /** `<<` and the white space behind it stay in the word, so that `<< EOF` is one. */
  #heredocMark(): string {
    this.#at++;
    if (this.#peek() !== "<") return "<";
    this.#at++;
    let space = "";
    for (let char = this.#peek(); char === "\t" || char === "\r" || char === " "; char = this.#peek()) {
      space += char;
      this.#at++;
    }
    return `<<${space}`;
  }

  #dollar(): string {
    this.#at++;
    if (this.#peek() === "{") {
      this.#at++;
      return this.#braced();
    }
    const name = this.#variableName();
    if (name === "") return "$";
    const value = this.#lookUp(name);
    return value ?? (this.#rules.skipUnsetEnv === true ? `$${name}` : "");
  }

  #braced(): string {
    const first = this.#peek();
    if (first === undefined) throw new ShellWordError("malformed", "syntax error: missing '}'");
    if (first === "{" || first === "}" || first === ":") throw new ShellWordError("malformed", "syntax error: bad substitution");
    const name = this.#variableName();
    const char = this.#next();
    if (char === "}") {
      const value = this.#lookUp(name);
      return value ?? (this.#rules.skipUnsetEnv === true ? `\${${name}}` : "");
    }
    if (char === "/") return this.#replacement(name);
    if (char === ":") return this.#modified(name, `:${this.#next() ?? "\ufffd"}`);
    if (char !== undefined && "+-?#%".includes(char)) return this.#modified(name, char);
    throw unsupported(char ?? "\ufffd");
  }

  /** `${name:-word}` and the like; `modifier` is all between name and word. */
  #modified(name: string, modifier: string): string {
    const trims = modifier.endsWith("#") || modifier.endsWith("%");
    if (trims && modifier.length > 1) throw unsupported(modifier);
    const word = this.#scanUntil("}", trims, "syntax error: missing '}'");
    const value = this.#lookUp(name);
    if (value === undefined && this.#rules.skipUnsetEnv === true) return `\${${name}${modifier}${word}}`;
    const counts = value !== undefined && !(modifier.startsWith(":") && value === "");
    switch (modifier.replace(":", "")) {
      case "-":
        return counts ? value : word;
      case "+":
        return counts ? word : "";
      case "?":
        if (counts) return value;
        throw new ShellWordError("required-variable", `${name}: ${word || `is not allowed to be ${value === undefined ? "unset" : "empty"}`}`);
      case "#":
      case "%":
        return trimmed(value ?? "", modifier, word);
      default:
        throw unsupported(modifier);
    }
  }

  /** `${name/pattern/replacement}`, `${name//pattern/replacement}`. */
  #replacement(name: string): string {
    const all = this.#peek() === "/";
    if (all) this.#at++;
    const pattern = this.#scanUntil("/", true, "syntax error: missing '/' in ${}");
    const replacement = this.#scanUntil("}", true, "syntax error: missing '}'");
    const value = this.#lookUp(name);
    if (value === undefined && this.#rules.skipUnsetEnv === true) return `\${${name}/${pattern}/${replacement}}`;
    return withPattern(pattern, () => (all ? replaceAll : replaceFirst)(value ?? "", pattern, replacement));
  }

  /** The text up to `stop`. Whatever goes wrong at the end of the input is told as the missing `stop`. */
  #scanUntil(stop: string, rawEscapes: boolean, missing: string): string {
    if (this.#depth >= NESTING_MAX) throw new ShellWordError("malformed", "substitutions are nested too deeply");
    this.#depth++;
    try {
      const { result } = this.scan(stop, rawEscapes);
      this.#depth--;
      return result;
    } catch (error) {
      if (error instanceof ShellWordError && this.#peek() === undefined) throw new ShellWordError("malformed", missing);
      throw error;
    }
  }

  /** A name, a number, or one of the shell's special parameters; empty when there is none. */
  #variableName(): string {
    const rest = this.#chars.slice(this.#at, this.#at + 1).join("");
    if (rest === "") return "";
    const allowed = /\p{Nd}/u.test(rest) ? /\p{Nd}/u : /[\p{L}\p{Nd}_]/u;
    if ("@*#?-$!".includes(rest)) {
      this.#at++;
      return rest;
    }
    let name = "";
    for (let char = this.#peek(); char !== undefined && allowed.test(char); char = this.#peek()) {
      name += char;
      this.#at++;
    }
    return name;
  }

  #lookUp(name: string): string | undefined {
    const value = this.#env.get(name);
    (value === undefined ? this.unmatched : this.matched).add(name);
    return value;
  }

  #peek(): string | undefined {
    return this.#chars[this.#at];
  }

  #next(): string | undefined {
    const char = this.#chars[this.#at];
    if (char !== undefined) this.#at++;
    return char;
  }
}

function trimmed(value: string, modifier: string, word: string): string {
  const greedy = word.startsWith(modifier);
  const pattern = greedy ? word.slice(1) : word;
  if (modifier === "#") return withPattern(pattern, () => trimPrefix(value, pattern, greedy));
  const reversed = suffixPattern(pattern);
  return withPattern(reversed, () => trimSuffix(value, reversed, greedy));
}

function withPattern(pattern: string, use: () => string): string {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof ShellPatternError)) throw error;
    throw new ShellWordError("bad-pattern", `invalid pattern (${pattern}) in substitution: ${error.message}`);
  }
}

function unsupported(modifier: string): ShellWordError {
  return new ShellWordError("malformed", `unsupported modifier (${modifier}) in substitution`);
}
