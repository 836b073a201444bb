import { equalsAny, isLess } from "./compare.ts";
import { escapeHtml, escapeJs, escapeQuery } from "./escape.ts";
import type { Functions, GoFunction } from "./go-function.ts";
import { ANY, STRING, VALUE, typeName } from "./go-type.ts";
import { index, length, prepared, slice } from "./indexing.ts";
import { printable } from "./print.ts";
import { sprint, sprintf, sprintln } from "./sprintf.ts";
import { FunctionError } from "./template-error.ts";
import { GoValue, inside, isTrue, textOf, type Maybe } from "./value.ts";

const AND: GoFunction = { parameters: [VALUE], rest: VALUE, call: unreachable };
const OR: GoFunction = { parameters: [VALUE], rest: VALUE, call: unreachable };
const CALL: GoFunction = { parameters: [VALUE], rest: VALUE, call: unreachable };

/** The functions that every template has. */
export const BUILTINS: Functions = {
  and: AND,
  or: OR,
  call: CALL,
  not: { parameters: [VALUE], call: ([value]) => !isTrue(inside(value)) },
  len: { parameters: [VALUE], call: ([value]) => length(value) },
  index: { parameters: [VALUE], rest: VALUE, call: ([item, ...keys]) => index(item, keys) },
  slice: { parameters: [VALUE], rest: VALUE, call: ([item, ...bounds]) => slice(item, bounds) },
  print: { parameters: [], rest: ANY, call: sprint },
  printf: { parameters: [STRING], rest: ANY, call: ([format, ...args]) => sprintf(format === undefined ? "" : textOf(format), args) },
  println: { parameters: [], rest: ANY, call: sprintln },
  html: { parameters: [], rest: ANY, call: (args) => escapeHtml(shownText(args)) },
  js: { parameters: [], rest: ANY, call: (args) => escapeJs(shownText(args)) },
  urlquery: { parameters: [], rest: ANY, call: (args) => escapeQuery(shownText(args)) },
  eq: { parameters: [VALUE], rest: VALUE, call: ([first, ...others]) => equalsAny(first, others) },
  ne: { parameters: [VALUE, VALUE], call: ([a, b]) => !equalsAny(a, [b]) },
  lt: { parameters: [VALUE, VALUE], call: ([a, b]) => isLess(a, b) },
  le: { parameters: [VALUE, VALUE], call: ([a, b]) => isLess(a, b) || equalsAny(a, [b]) },
  gt: { parameters: [VALUE, VALUE], call: ([a, b]) => !(isLess(a, b) || equalsAny(a, [b])) },
  ge: { parameters: [VALUE, VALUE], call: ([a, b]) => !isLess(a, b) },
};

/** `and` and `or` decide themselves how many arguments are evaluated. */
export function isShortCircuit(callee: GoFunction): boolean {
  return callee === AND || callee === OR;
}

export function isCall(callee: GoFunction): boolean {
  return callee === CALL;
}

/** `call .F 1 2`: calls a function that is data. `text` is how the template names it. */
export function callBuiltin(text: string, [callee, ...args]: readonly Maybe[]): unknown {
  const held = inside(callee);
  if (held === undefined) throw new FunctionError("call of nil");
  if (held.type.kind !== "func") throw new FunctionError(`non-function ${text} of type ${typeName(held.type)}`);
  // Functions in data have no types that could be checked: they get plain data.
  const target = held.raw as (...args: readonly unknown[]) => unknown;
  return target(...args.map((arg) => prepared(inside(arg), ANY).raw));
}

/** The text of all arguments, a missing one as it would be printed. */
function shownText(args: readonly Maybe[]): string {
  return sprint(args.map((arg) => printable(arg) ?? new GoValue(STRING, "<no value>")));
}

function unreachable(): never {
  throw new TypeError("evaluated by the caller");
}
