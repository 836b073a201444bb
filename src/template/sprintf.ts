import { NO_FLAGS, type FormatFlags } from "./format-flags.ts";
import { formatValue } from "./format-value.ts";
import { typeName } from "./go-type.ts";
import { inside, integerOf, type Maybe } from "./value.ts";

/** Go refuses larger widths and precisions. */
const NUMBER_MAX = 1_000_000;

const DIRECTIVE = /%([#0+\- ]*)(\[[^\]]*\]?)?(\*|\d+)?(?:\.(\[[^\]]*\]?)?(\*|\d+)?)?(\[[^\]]*\]?)?(.)?/gsu;

/** fmt.Sprintf. */
export function sprintf(format: string, args: readonly Maybe[]): string {
  return new Formatter(args).format(format);
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
  readonly #args: readonly Maybe[];
  #next = 0;
  #reordered = false;
  #indexIsGood = true;

  constructor(args: readonly Maybe[]) {
    this.#args = args;
  }

  format(format: string): string {
    const text = format.replace(DIRECTIVE, (...parts: Array<string | undefined>) => this.#directive(parts));
    if (this.#reordered || this.#next >= this.#args.length) return text;
    const extra = this.#args.slice(this.#next).map((arg) => {
      const held = inside(arg);
      return held === undefined ? "<nil>" : `${typeName(held.type)}=${formatValue(held)}`;
    });
    return `${text}%!(EXTRA ${extra.join(", ")})`;
  }

  #directive([whole = "", flagText = "", indexBeforeWidth, width, indexBeforePrecision, precision, indexBeforeVerb, verb]: ReadonlyArray<string | undefined>): string {
    this.#indexIsGood = true;
    const complaints: string[] = [];
    this.#jump(indexBeforeWidth);
    let flags = parseFlags(flagText);
    flags = this.#withWidth(flags, width, complaints);
    // "%[3]2d": the index must stand right before what it is for.
    if (indexBeforeWidth !== undefined && width !== undefined && width !== "*") this.#indexIsGood = false;
    if (whole.slice(flagText.length + 1).includes(".") && verb !== ".") {
      if (indexBeforeWidth !== undefined && width === undefined) this.#indexIsGood = false;
      this.#jump(indexBeforePrecision);
      flags = this.#withPrecision(flags, precision, complaints);
      if (indexBeforePrecision !== undefined && precision !== undefined && precision !== "*") this.#indexIsGood = false;
    }
    this.#jump(indexBeforeVerb);
    return complaints.join("") + this.#verb(verb, flags);
  }

  #verb(verb: string | undefined, flags: FormatFlags): string {
    if (verb === undefined) return "%!(NOVERB)";
    if (verb === "%") return "%";
    if (!this.#indexIsGood) return `%!${verb}(BADINDEX)`;
    if (this.#next >= this.#args.length) return `%!${verb}(MISSING)`;
    const arg = this.#args[this.#next];
    this.#next += 1;
    return formatValue(arg, verb, verb === "v" ? { ...flags, plus: false, sharp: false, plusV: flags.plus, sharpV: flags.sharp } : flags);
  }

  #withWidth(flags: FormatFlags, width: string | undefined, complaints: string[]): FormatFlags {
    if (width === undefined) return flags;
    const number = width === "*" ? this.#number() : bounded(Number(width));
    if (number === undefined) {
      complaints.push("%!(BADWIDTH)");
      return flags;
    }
    return number < 0 ? { ...flags, width: -number, minus: true, zero: false } : { ...flags, width: number };
  }

  #withPrecision(flags: FormatFlags, precision: string | undefined, complaints: string[]): FormatFlags {
    const number = precision === "*" ? this.#number() : bounded(Number(precision ?? 0));
    if (number === undefined || number < 0) complaints.push("%!(BADPREC)");
    return number === undefined || number < 0 ? flags : { ...flags, precision: number };
  }

  /** An argument as width or precision. */
  #number(): number | undefined {
    const held = inside(this.#args[this.#next]);
    if (this.#next < this.#args.length) this.#next += 1;
    if (held === undefined || (held.type.kind !== "int" && held.type.kind !== "uint")) return undefined;
    return bounded(Number(integerOf(held)));
  }

  #jump(index: string | undefined): void {
    if (index === undefined) return;
    this.#reordered = true;
    const number = /^\[(\d+)\]$/.exec(index)?.[1];
    if (number !== undefined && Number(number) >= 1 && Number(number) <= this.#args.length) this.#next = Number(number) - 1;
    else this.#indexIsGood = false;
  }
}

function bounded(number: number): number | undefined {
  return Math.abs(number) > NUMBER_MAX ? undefined : number;
}

function parseFlags(text: string): FormatFlags {
  const minus = text.includes("-");
  return { ...NO_FLAGS, minus, plus: text.includes("+"), sharp: text.includes("#"), space: text.includes(" "), zero: text.includes("0") && !minus };
}
