import { csvFields, CsvFieldsError } from "./csv-fields.ts";
import { goBoolean } from "./go-boolean.ts";

/** The fields of a flag such as `--output type=…,key=value`, taken one by one. Keys are in lower case. */
export class FlagFields {
  readonly #fail: (message: string) => Error;
  readonly #values = new Map<string, string>();

  constructor(text: string, fail: (message: string) => Error) {
    this.#fail = fail;
    for (const field of this.#fields(text)) {
      const at = field.indexOf("=");
      if (at === -1) throw this.error(`invalid field ${JSON.stringify(field)}: must be a key=value pair`);
      this.#values.set(field.slice(0, at).trim().toLowerCase(), field.slice(at + 1));
    }
  }

  #fields(text: string): readonly string[] {
    try {
      return csvFields(text);
    } catch (error) {
      if (error instanceof CsvFieldsError) throw this.error(error.message);
      throw error;
    }
  }

  error(message: string): Error {
    return this.#fail(message);
  }

  take(key: string): string | undefined {
    const value = this.#values.get(key);
    this.#values.delete(key);
    return value;
  }

  /** Leaves it there. */
  peek(key: string): string | undefined {
    return this.#values.get(key);
  }

  need(key: string): string {
    const value = this.take(key);
    if (value === undefined || value === "") throw this.error(`${key} is required`);
    return value;
  }

  flag(key: string, absent: boolean): boolean {
    return this.maybe(key) ?? absent;
  }

  /** Undefined where nothing was said. */
  maybe(key: string): boolean | undefined {
    const value = this.take(key);
    return value === undefined ? undefined : this.boolean(key, value);
  }

  boolean(key: string, value: string): boolean {
    const parsed = goBoolean(value);
    if (parsed === undefined) throw this.error(`non-bool value ${JSON.stringify(value)} for ${key}: use true or false`);
    return parsed;
  }

  takeMatching(pattern: RegExp): Array<[string, string]> {
    const found = [...this.#values].filter(([key]) => pattern.test(key));
    for (const [key] of found) this.#values.delete(key);
    return found;
  }

  /** What nobody took. */
  rest(): ReadonlyMap<string, string> {
    return this.#values;
  }
}
