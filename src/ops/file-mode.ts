import { OperationError } from "./operation-error.ts";

const READ = 0o444;
const WRITE = 0o222;
const EXECUTE = 0o111;
const SET_ID = 0o6000;
const STICKY = 0o1000;
const OTHER = 0o007;

/** What an operator without a class in front means: every bit but the sticky one. */
const EVERYBODY = 0o6777;

const CLASSES: ReadonlyMap<string, number> = new Map([["a", EVERYBODY], ["u", 0o4700], ["g", 0o2070], ["o", OTHER]]);
const CLASS_SHIFT: ReadonlyMap<string, number> = new Map([["u", 6], ["g", 3], ["o", 0]]);
const PERMISSIONS: ReadonlyMap<string, number> = new Map([["r", READ], ["w", WRITE], ["x", EXECUTE]]);

type Operator = "+" | "-" | "=";

/** One change of a mode; `original` is the mode that all changes began with. */
type Step = (mode: number, original: number, isDirectory: boolean) => number;

/** A mode as chmod(1) takes it, ready to be applied. Modes are permission bits with set-id and sticky: 0o7777 at most. */
export interface FileMode {
  apply(mode: number, kind: "directory" | "other"): number;
}

/**
 * Parses `755`, `u+s,go-w`, `a=rX` and the like, with a umask of 0, as BSD's setmode(3) reads them.
 * Throws OperationError in the words of the library that BuildKit uses.
 */
export function parseFileMode(text: string): FileMode {
  const steps = /^[0-9]/.test(text) ? [parseOctal(text)] : new SymbolicMode(text).parse();
  return {
    apply: (mode, kind) => steps.reduce((current, step) => step(current, mode, kind === "directory"), mode),
  };
}

function parseOctal(text: string): Step {
  if (!/^[0-7]+$/.test(text)) throw new OperationError("step-failed", `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = Number.parseInt(text, 8);
  if (value > 0o77777) throw new OperationError("step-failed", `strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  if (value > 0o7777) throw invalidSyntax();
  return () => value;
}

function invalidSyntax(): OperationError {
  return new OperationError("step-failed", "invalid syntax");
}

class SymbolicMode {
  readonly #text: string;
  readonly #steps: Step[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): readonly Step[] {
    do {
      const who = this.#classes();
      do this.#operation(who); while (this.#at < this.#text.length && this.#text[this.#at] !== ",");
    } while (this.#take() === ",");
    return this.#steps;
  }

  #classes(): number {
    let who = 0;
    for (;;) {
      const bits = CLASSES.get(this.#text[this.#at] ?? "");
      if (bits === undefined) return who;
      who |= bits;
      this.#at += 1;
    }
  }

  #operation(who: number): void {
    const operator = this.#take();
    if (operator !== "+" && operator !== "-" && operator !== "=") throw invalidSyntax();
    const pending = { bits: 0, conditional: 0, sticky: 0 };
    let hasAssigned = false;
    for (;;) {
      const letter = this.#text[this.#at] ?? "";
      if (CLASS_SHIFT.has(letter)) {
        if (pending.bits !== 0) this.#change(operator, who | pending.sticky, pending.bits);
        if (pending.conditional !== 0) this.#whereExecutable(who | pending.sticky, pending.conditional);
        this.#copy(operator, who | pending.sticky, letter);
        Object.assign(pending, { bits: 0, conditional: 0 });
        hasAssigned = operator === "=";
      } else if (!this.#permission(letter, operator, who, pending)) break;
      this.#at += 1;
    }
    if (pending.bits !== 0 || (operator === "=" && !hasAssigned)) this.#change(operator, who | pending.sticky, pending.bits);
    if (pending.conditional !== 0) this.#whereExecutable(who | pending.sticky, pending.conditional);
  }

  /** Adds what a letter asks for; false if it is none of a permission's. */
  #permission(letter: string, operator: Operator, who: number, pending: { bits: number; conditional: number; sticky: number }): boolean {
    // Set-id and sticky have no meaning for others alone.
    const isForOthersOnly = who !== 0 && (who & ~OTHER) === 0;
    if (letter === "X" && operator !== "-") pending.conditional = EXECUTE;
    else if (letter === "X") pending.bits |= EXECUTE;
    else if (letter === "s") pending.bits |= isForOthersOnly ? 0 : SET_ID;
    else if (letter === "t") {
      if (!isForOthersOnly) {
        pending.bits |= STICKY;
        pending.sticky = STICKY;
      }
    } else {
      const bits = PERMISSIONS.get(letter);
      if (bits === undefined) return false;
      pending.bits |= bits;
    }
    return true;
  }

  #change(operator: Operator, who: number, bits: number): void {
    const masked = who === 0 ? bits : bits & who;
    const cleared = operator === "=" ? (who === 0 ? EVERYBODY : who) : operator === "-" ? masked : 0;
    const set = operator === "-" ? 0 : masked;
    this.#steps.push((mode) => (mode & ~cleared) | set);
  }

  #whereExecutable(who: number, bits: number): void {
    const masked = who === 0 ? bits : bits & who;
    this.#steps.push((mode, original, isDirectory) => ((original & EXECUTE) !== 0 || isDirectory ? mode | masked : mode));
  }

  /** `g=u`: the bits of one class for others. */
  #copy(operator: Operator, who: number, from: string): void {
    const shift = CLASS_SHIFT.get(from) ?? 0;
    const targets = [...CLASS_SHIFT].filter(([letter]) => who === 0 || (who & (CLASSES.get(letter) ?? 0) & 0o777) !== 0).map(([, target]) => target);
    this.#steps.push((mode) => {
      const value = (mode >> shift) & OTHER;
      return targets.reduce((changed, target) => {
        const cleared = operator === "=" ? changed & ~(OTHER << target) : changed;
        return operator === "-" ? cleared & ~(value << target) : cleared | (value << target);
      }, mode);
    });
  }

  #take(): string | undefined {
    const letter = this.#text[this.#at];
    this.#at += 1;
    return letter;
  }
}
