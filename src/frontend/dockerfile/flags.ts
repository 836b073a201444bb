import { InstructionError } from "./dockerfile-error.ts";
import { cut, toLower } from "./go-text.ts";
import { withSuggestion } from "./suggestion.ts";

/** Which flags an instruction knows, and what their values are. `texts` may be given several times. */
export type FlagKinds = Readonly<Record<string, "bool" | "text" | "texts">>;

/** The flags of one instruction, checked. */
export class Flags {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /** Empty when absent. */
  text(name: string): string {
    return this.#values.get(name)?.[0] ?? "";
  }

  texts(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** Undefined when absent. */
  bool(name: string): boolean | undefined {
    const value = this.#values.get(name)?.[0];
    return value === undefined ? undefined : value === "true";
  }

  /** Names of the flags that were given, sorted. */
  get used(): readonly string[] {
    return [...this.#values.keys()].toSorted();
  }
}

/** Checks `--name` and `--name=value` words against what the instruction knows. Throws InstructionError. */
export function parseFlags(words: readonly string[], kinds: FlagKinds): Flags {
  const values = new Map<string, readonly string[]>();
  for (const word of words) {
    const { before: dashed, after: value, found } = cut(word, "=");
    const name = dashed.slice(2);
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) throw new InstructionError(withSuggestion(`unknown flag: ${dashed}`, name, Object.keys(kinds), true));
    const earlier = values.get(name);
    if (earlier !== undefined && kind !== "texts") throw new InstructionError(`duplicate flag specified: ${dashed}`);
    if (found ? kind === "bool" && value === "" : kind !== "bool") throw new InstructionError(`missing a value on flag: ${dashed}`);
    values.set(name, [...(earlier ?? []), kind === "bool" ? boolText(dashed, value) : value]);
  }
  return new Flags(values);
}

function boolText(dashed: string, value: string): string {
  const lower = toLower(value);
  if (lower === "" || lower === "true") return "true";
  if (lower === "false") return "false";
  throw new InstructionError(`expecting boolean value for flag ${dashed}, not: ${value}`);
}
