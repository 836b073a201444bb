/** A pattern that Go's RE2 does not take, or that we cannot give its meaning. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

const CLASSES: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z", alpha: "A-Za-z", ascii: "\\x00-\\x7F", blank: "\\t ", cntrl: "\\x00-\\x1F\\x7F", digit: "0-9", graph: "!-~", lower: "a-z",
  print: " -~", punct: "!-\\/:-@\\[-`{-~", space: "\\t\\n\\v\\f\\r ", upper: "A-Z", word: "0-9A-Za-z_", xdigit: "0-9A-Fa-f",
};

/** Escapes of RE2 that read otherwise in JavaScript, outside of a class. */
const ESCAPES: Readonly<Record<string, string>> = { A: "(?<![^])", z: "(?![^])", a: "\\x07", d: "[0-9]", D: "[^0-9]", s: "[\\t\\n\\f\\r ]", S: "[^\\t\\n\\f\\r ]" };
const ESCAPES_IN_CLASS: Readonly<Record<string, string>> = { a: "\\x07", s: "\\t\\n\\f\\r ", d: "0-9", w: "0-9A-Za-z_" };

/** RE2's pattern as one of JavaScript. Throws PatternError: a pattern that is read otherwise than it is meant could let something pass. */
export function goRegExp(pattern: string, flags: "" | "g" = ""): RegExp {
  try {
    return new RegExp(new Translation(pattern).source(), `u${flags}`);
  } catch (error) {
    if (error instanceof SyntaxError) throw new PatternError(`error parsing regexp: \`${pattern}\`: ${error.message}`, { cause: error });
    throw error;
  }
}

class Translation {
  readonly #pattern: string;
  #at = 0;
  /** At each depth, the flags of each `(?i)` that has no group of its own: it counts to the end of that around it. */
  readonly #opened: string[][] = [[]];

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  source(): string {
    let source = "";
    while (this.#at < this.#pattern.length) source += this.#next();
    return source + ")".repeat(this.#opened.at(-1)?.length ?? 0);
  }

  #rest(): string {
    return this.#pattern.slice(this.#at);
  }

  #next(): string {
    const char = String.fromCodePoint(this.#pattern.codePointAt(this.#at) ?? 0);
    if (char === "\\") return this.#escape();
    if (char === "[") return this.#class();
    if (char === "(") return this.#open();
    this.#at += char.length;
    switch (char) {
      case ")":
        return ")".repeat((this.#opened.pop()?.length ?? 0) + 1);
      case "|":
        return this.#alternative();
      case "}":
      case "]":
        return `\\${char}`;
      case "{":
        return /^(?:[0-9]+)(?:,[0-9]*)?\}/.test(this.#rest()) ? this.#repetition() : "\\{";
      default:
        return char;
    }
  }

  /** A flag counts on the other side too, and ends no alternative. */
  #alternative(): string {
    const flags = this.#opened.at(-1) ?? [];
    return `${")".repeat(flags.length)}|${flags.map((each) => `(?${each}:`).join("")}`;
  }

  #repetition(): string {
    const end = this.#pattern.indexOf("}", this.#at) + 1;
    const text = this.#pattern.slice(this.#at, end);
    this.#at = end;
    return `{${text}`;
  }

  #open(): string {
    const [, name] = /^\(\?P?<([A-Za-z_][A-Za-z0-9_]*)>/.exec(this.#rest()) ?? [];
    if (name !== undefined) {
      this.#at = this.#pattern.indexOf(">", this.#at) + 1;
      this.#opened.push([]);
      return `(?<${name}>`;
    }
    const [whole, on = "", off = "", end] = /^\(\?([a-zA-Z]*)(-[a-zA-Z]+)?([:)])/.exec(this.#rest()) ?? [];
    if (whole === undefined) {
      if (this.#rest().startsWith("(?")) throw new PatternError(`error parsing regexp: invalid or unsupported Perl syntax: \`${this.#rest().slice(0, 4)}\``);
      this.#at++;
      this.#opened.push([]);
      return "(";
    }
    if (!/^[ims]*$/.test(on) || !/^(?:-[ims]+)?$/.test(off)) throw new PatternError(`flags of a pattern can be i, m and s: ${whole}`);
    this.#at += whole.length;
    const flags = `${on}${off === "-" ? "" : off}`;
    if (end === ":") this.#opened.push([]);
    else this.#opened.at(-1)?.push(flags);
    return `(?${flags}:`;
  }

  #escape(): string {
    const char = this.#pattern.charAt(this.#at + 1);
    if (char === "Q") return this.#quoted();
    if (char === "x") return this.#hexadecimal();
    if (char === "p" || char === "P") return this.#property();
    this.#at += 2;
    if (ESCAPES[char] !== undefined) return ESCAPES[char] ?? "";
    if (/[bBwWfnrtv]/.test(char)) return `\\${char}`;
    if (/[A-Za-z0-9]/.test(char) || char === "") throw new PatternError(`error parsing regexp: invalid escape sequence: \`\\${char}\``);
    return /[\^$\\.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
  }

  #quoted(): string {
    const end = this.#pattern.indexOf("\\E", this.#at);
    const text = this.#pattern.slice(this.#at + 2, end === -1 ? undefined : end);
    this.#at = end === -1 ? this.#pattern.length : end + 2;
    return text.replace(/[\^$\\.*+?()[\]{}|/]/g, "\\$&");
  }

  #hexadecimal(): string {
    const [whole, short, long] = /^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(this.#rest()) ?? [];
    if (whole === undefined) throw new PatternError("error parsing regexp: invalid escape sequence: `\\x`");
    this.#at += whole.length;
    return `\\u{${short ?? long ?? ""}}`;
  }

  #property(): string {
    const [whole, kind = "p", not = "", long, short = ""] = /^\\([pP])(?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))/.exec(this.#rest()) ?? [];
    if (whole === undefined) throw new PatternError("error parsing regexp: invalid character class range");
    this.#at += whole.length;
    const name = long ?? short;
    const isNegative = (kind === "P") !== (not === "^");
    return `\\${isNegative ? "P" : "p"}{${name.length <= 2 ? name : `Script=${name}`}}`;
  }

  #class(): string {
    let source = "[";
    this.#at++;
    if (this.#rest().startsWith("^")) {
      source += "^";
      this.#at++;
    }
    // A bracket that comes first is one of the class.
    for (let first = true; first || !this.#rest().startsWith("]"); first = false) {
      if (this.#at >= this.#pattern.length) throw new PatternError("error parsing regexp: missing closing ]");
      source += this.#member();
    }
    this.#at++;
    return `${source}]`;
  }

  #member(): string {
    const [whole, not, name = ""] = /^\[:(\^?)([a-z]+):\]/.exec(this.#rest()) ?? [];
    if (whole !== undefined) {
      const members = CLASSES[name];
      if (members === undefined || not === "^") throw new PatternError(`error parsing regexp: invalid character class range: \`${whole}\``);
      this.#at += whole.length;
      return members;
    }
    const char = String.fromCodePoint(this.#pattern.codePointAt(this.#at) ?? 0);
    if (char !== "\\") {
      this.#at += char.length;
      return /[[\]{}()|/^$.*+?]/.test(char) ? `\\${char}` : char;
    }
    const escaped = this.#pattern.charAt(this.#at + 1);
    const known = ESCAPES_IN_CLASS[escaped];
    if (known !== undefined) {
      this.#at += 2;
      return known;
    }
    if (escaped === "x") return this.#hexadecimal();
    if (escaped === "p" || escaped === "P") return this.#property();
    this.#at += 2;
    if (/[DSWfnrtv]/.test(escaped)) return `\\${escaped}`;
    if (/[A-Za-z0-9]/.test(escaped) || escaped === "") throw new PatternError(`error parsing regexp: invalid escape sequence: \`\\${escaped}\``);
    return /[\^$\\.*+?()[\]{}|/-]/.test(escaped) ? `\\${escaped}` : escaped;
  }
}
