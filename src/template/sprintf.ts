import { NO_FLAGS, type FormatFlags } from "./format-flags.ts";
import { formatValue } from "./format-value.ts";
import { typeName } from "./go-type.ts";
import { inside, integerOf, type Maybe } from "./value.ts";

/** Go refuses larger widths and precisions. */
const NUMBER_MAX = 1_000_000;

const FLAGS = /[#0+\- ]*/y;
const NUMBER = /\*|\d+/y;
const POINT = /\./y;
/** Without its end it is a bracket alone, as are two at the end of the format. */
const INDEX = /\[[^\]]+\]|\[\](?=.)|\[/sy;
const ANY = /./suy;

/** fmt.Sprintf. */
export function sprintf(format: string, args: readonly Maybe[]): string {
  return new Formatter(format, args).run();
}

/** fmt.Sprint: spaces between operands of which neither is a string. */
export function sprint(args: readonly Maybe[]): string {
  const isText = (value: Maybe): boolean => inside(value)?.type.kind === "string";
  return args.map((arg, index) => (index > 0 && !isText(arg) && !isText(args[index - 1]) ? " " : "") + formatValue(arg)).join("");
}

/** fmt.Sprintln: spaces always, and a newline. */
export function sprintln(args: readonly Maybe[]): string {
  return `${args.map((arg) => formatValue(arg)).join(" ")}\n`;
}

class Formatter {
  readonly #format: string;
  readonly #args: readonly Maybe[];
  #at = 0;
  #next = 0;
  #reordered = false;
  #indexIsGood = true;

  constructor(format: string, args: readonly Maybe[]) {
    this.#format = format;
    this.#args = args;
  }

  run(): string {
    const parts: string[] = [];
    for (let percent = this.#format.indexOf("%"); percent >= 0; percent = this.#format.indexOf("%", this.#at)) {
      parts.push(this.#format.slice(this.#at, percent));
      this.#at = percent + 1;
      parts.push(this.#directive());
    }
    parts.push(this.#format.slice(this.#at));
    return parts.join("") + this.#extra();
  }

  /** Arguments that nothing asked for, unless the format chose among them. */
  #extra(): string {
    if (this.#reordered || this.#next >= this.#args.length) return "";
    const extra = this.#args.slice(this.#next).map((arg) => {
      const held = inside(arg);
      return held === undefined ? "<nil>" : `${typeName(held.type)}=${formatValue(held)}`;
    });
    return `%!(EXTRA ${extra.join(", ")})`;
  }

  /** `%`, which was taken, flags, width, precision and verb; an index may stand before each of the last three, and only right before it. */
  #directive(): string {
    this.#indexIsGood = true;
    const complaints: string[] = [];
    let flags = parseFlags(this.#take(FLAGS) ?? "");
    let hasIndex = this.#takeIndex();
    const width = this.#take(NUMBER);
    if (hasIndex && width !== undefined && width !== "*") this.#indexIsGood = false;
    if (width === "*") hasIndex = false;
    flags = this.#withWidth(flags, width, complaints);
    if (this.#take(POINT) !== undefined) {
      if (hasIndex) this.#indexIsGood = false;
      hasIndex = this.#takeIndex();
      const precision = this.#take(NUMBER);
      if (precision === "*") hasIndex = false;
      flags = this.#withPrecision(flags, precision, complaints);
    }
    if (!hasIndex) this.#takeIndex();
    return complaints.join("") + this.#verb(this.#take(ANY), flags);
  }

  #verb(verb: string | undefined, flags: FormatFlags): string {
    if (verb === undefined) return "%!(NOVERB)";
    if (verb === "%") return "%";
    if (!this.#indexIsGood) return `%!${verb}(BADINDEX)`;
    if (this.#next >= this.#args.length) return `%!${verb}(MISSING)`;
    const arg = this.#args[this.#next];
    this.#next += 1;
    // %w, with which nothing but an error can be wrapped, reads its flags as %v does.
    return formatValue(arg, verb, verb === "v" || verb === "w" ? { ...flags, plus: false, sharp: false, plusV: flags.plus, sharpV: flags.sharp } : flags);
  }

  #withWidth(flags: FormatFlags, width: string | undefined, complaints: string[]): FormatFlags {
    if (width === undefined) return flags;
    const number = width === "*" ? this.#number() : this.#literal(width);
    if (number === undefined) {
      if (width === "*") complaints.push("%!(BADWIDTH)");
      return flags;
    }
    return number < 0 ? { ...flags, width: -number, minus: true, zero: false } : { ...flags, width: number };
  }

  #withPrecision(flags: FormatFlags, precision: string | undefined, complaints: string[]): FormatFlags {
    if (precision !== "*") return { ...flags, precision: this.#literal(precision ?? "0") ?? 0 };
    const number = this.#number();
    if (number === undefined || number < 0) complaints.push("%!(BADPREC)");
    return number === undefined || number < 0 ? flags : { ...flags, precision: number };
  }

  /** Undefined for a number that is too large, which takes the rest of the format with it. */
  #literal(digits: string): number | undefined {
    const number = Number(digits);
    // Go looks before it reads the last digit.
    if (bounded(Math.floor(number / 10)) !== undefined) return number;
    this.#at = this.#format.length;
    return undefined;
  }

  /** An argument as width or precision. */
  #number(): number | undefined {
    const held = inside(this.#args[this.#next]);
    if (this.#next < this.#args.length) this.#next += 1;
    if (held === undefined || (held.type.kind !== "int" && held.type.kind !== "uint")) return undefined;
    return bounded(Number(integerOf(held)));
  }

  /** True where there is an index, though no argument may have it; what is none in its brackets, or lacks the last, is bad too. */
  #takeIndex(): boolean {
    const index = this.#take(INDEX);
    if (index === undefined) return false;
    this.#reordered = true;
    const digits = /^\[(\d+)\]$/.exec(index)?.[1];
    const number = Number(digits ?? 0);
    if (number >= 1 && number <= this.#args.length) this.#next = number - 1;
    else this.#indexIsGood = false;
    return digits !== undefined;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [text] = pattern.exec(this.#format) ?? [];
    this.#at += text?.length ?? 0;
    return text;
  }
}

function bounded(number: number): number | undefined {
  return Math.abs(number) > NUMBER_MAX ? undefined : number;
}

function parseFlags(text: string): FormatFlags {
  const minus = text.includes("-");
  return { ...NO_FLAGS, minus, plus: text.includes("+"), sharp: text.includes("#"), space: text.includes(" "), zero: text.includes("0") && !minus };
}
