import { RegoObject, type Value } from "./rego/value.ts";

/** A policy wants to know of its input what nobody has looked up yet. */
export class UnknownField extends Error {
  override readonly name = "UnknownField";
  readonly field: string;

  constructor(field: string) {
    super(`${field} is not known yet`);
    this.field = field;
  }
}

/** A part of the input of which some members are looked up only if a policy asks for them. Throws UnknownField where it does. */
export class OpenObject extends RegoObject {
  readonly #name: string;
  readonly #open: ReadonlySet<string>;

  constructor(name: string, known: Iterable<readonly [Value, Value]>, open: Iterable<string>) {
    super(known);
    this.#name = name;
    this.#open = new Set(open);
  }

  override get(key: Value): Value | undefined {
    if (typeof key === "string" && this.#open.has(key)) throw new UnknownField(`${this.#name}.${key}`);
    return super.get(key);
  }

  override shownEntries(): ReadonlyArray<readonly [Value, Value]> {
    return super.entries();
  }

  /** Whoever goes through all members wants each of them. */
  override entries(): ReadonlyArray<readonly [Value, Value]> {
    const [first] = this.#open;
    if (first !== undefined) throw new UnknownField(`${this.#name}.${first}`);
    return super.entries();
  }
}
