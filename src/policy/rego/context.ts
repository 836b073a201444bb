import type { Builtin } from "./builtins.ts";
import { arityOf, type Group, type Program } from "./program.ts";
import { RegoError, type Place } from "./rego-error.ts";
import type { Term, WithModifier } from "./syntax.ts";
import { RegoObject, type Value } from "./value.ts";

/** Steps that one evaluation may take: far above any real policy's, and an end to one that does not come to its own. */
const STEPS_MAX = 5_000_000;

export interface EvaluationMeans {
  readonly nowNs: bigint;
  readonly print: (text: string, place: Place) => void;
  /** Told of a function that could not give a result, and so has none. */
  readonly onBuiltinError: (message: string, place: Place) => void;
}

/** A function in place of another, or the value that it is to have. */
export type Mock = { readonly kind: "function"; readonly name: readonly string[] } | { readonly kind: "value"; readonly value: Value };

interface State {
  readonly input: Value | undefined;
  /** Of `data`, by path. */
  readonly replaced: ReadonlyMap<string, Value>;
  readonly mocks: ReadonlyMap<string, Mock>;
}

interface ContextMeans extends EvaluationMeans {
  readonly rules: Rules;
}

/** Where an expression calls a function. */
export interface CallSite {
  readonly context: Context;
  readonly place: Place;
}

/** How rules come to their values: expressions ask them, and are asked by them. */
export interface Rules {
  readonly valueOf: (group: Group, context: Context) => Value | undefined;
  readonly call: (name: readonly string[], args: readonly Value[], site: CallSite) => Value | undefined;
}

interface Budget {
  steps: number;
  depth: number;
}

/** What rules are evaluated in: `with` makes another one for its expression. */
export class Context {
  readonly program: Program;
  readonly means: ContextMeans;
  readonly #state: State;
  readonly #budget: Budget;
  /** Values of rules; undefined while one is being found. */
  readonly values: Map<Group, { readonly value: Value | undefined } | undefined> = new Map();

  constructor(program: Program, means: ContextMeans, state: State, budget: Budget = { steps: 0, depth: 0 }) {
    this.program = program;
    this.means = means;
    this.#state = state;
    this.#budget = budget;
  }

  static of(program: Program, means: ContextMeans, input: Value | undefined): Context {
    return new Context(program, means, { input, replaced: new Map(), mocks: new Map() });
  }

  get rules(): Rules {
    return this.means.rules;
  }

  get input(): Value | undefined {
    return this.#state.input;
  }

  builtin(name: string): Builtin | undefined {
    return this.program.functions.get(name);
  }

  replacement(path: string): Value | undefined {
    return this.#state.replaced.get(path);
  }

  mock(name: string): Mock | undefined {
    return this.#state.mocks.get(name);
  }

  print(text: string, place: Place): void {
    this.means.print(text, place);
  }

  spend(place: Place): void {
    if (++this.#budget.steps > STEPS_MAX) throw new RegoError("eval", `the policy takes more than ${STEPS_MAX} steps`, place);
  }

  /** Functions may call themselves by way of others; none may without end. */
  deeper<T>(place: Place, evaluate: () => T): T {
    if (++this.#budget.depth > 500) throw new RegoError("recursion", "functions call each other more than 500 levels deep", place);
    const result = evaluate();
    this.#budget.depth--;
    return result;
  }

  /** Undefined where a replacement has no value: nothing holds then. */
  replacing(withs: readonly WithModifier[], values: ReadonlyArray<Value | undefined>): Context | undefined {
    let { input } = this.#state;
    const replaced = new Map(this.#state.replaced);
    const mocks = new Map(this.#state.mocks);
    for (const [i, { target, value: term }] of withs.entries()) {
      const [root, ...path] = target;
      if (arityOf(target, this.program) !== undefined) {
        const mock = this.#mockOf(term, values[i]);
        if (mock === undefined) return undefined;
        mocks.set(target.join("."), mock);
        continue;
      }
      const value = values[i];
      if (value === undefined) return undefined;
      if (root === "input") input = placed(input, path, value);
      else replaced.set(target.join("."), value);
    }
    // What rules made before does not count in it.
    return new Context(this.program, this.means, { input, replaced, mocks }, this.#budget);
  }

  #mockOf(term: Term, value: Value | undefined): Mock | undefined {
    const name = functionName(term);
    if (name !== undefined && arityOf(name, this.program) !== undefined) return { kind: "function", name };
    return value === undefined ? undefined : { kind: "value", value };
  }
}

function functionName(term: Term): readonly string[] | undefined {
  if (term.kind === "var") return [term.name];
  if (term.kind !== "ref" || term.head.kind !== "var") return undefined;
  const path = term.path.map((step) => (step.kind === "value" && typeof step.value === "string" ? step.value : undefined));
  return path.includes(undefined) ? undefined : [term.head.name, ...path.filter((step) => step !== undefined)];
}

/** The document with a value at the path; what is on the way and no object gives way. */
function placed(document: Value | undefined, [first, ...rest]: readonly string[], value: Value): Value {
  if (first === undefined) return value;
  const object = document instanceof RegoObject ? document : RegoObject.of([]);
  return RegoObject.of([...object.entries().filter(([key]) => key !== first), [first, placed(object.get(first), rest, value)] as const]);
}
