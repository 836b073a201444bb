import type { GoType } from "./go-type.ts";
import type { Maybe } from "./value.ts";

/** A function that templates may call. */
export interface GoFunction {
  readonly parameters: readonly GoType[];
  /** Type of any number of further arguments. */
  readonly rest?: GoType;
  /**
   * Gets as many arguments as there are, each of its parameter's type. Returns plain data or a
   * GoValue; undefined is a nil interface. Throws FunctionError for what the template did wrong.
   */
  readonly call: (args: readonly Maybe[]) => unknown;
}

export type Functions = Readonly<Record<string, GoFunction>>;
