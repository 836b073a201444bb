import type { Execution } from "./evaluate.ts";
import { callBuiltin, isCall, isShortCircuit } from "./builtin.ts";
import type { GoFunction } from "./go-function.ts";
import { ANY, BOOL, COMPLEX128, FLOAT64, INT, STRING, canBeNil, typeName, type GoType, type ScalarType } from "./go-type.ts";
import { nodeText, type Command, type Node, type Operand } from "./node.ts";
import { GoValue, fieldNamed, inside, isTrue, memberOf, methodNamed, reach, textOf, type Maybe } from "./value.ts";

/** What the stage before hands to the last argument of a command. */
interface Final {
  readonly value: Maybe;
}

/** The arguments of a call as they stand in the template, its name left out. */
interface CallSite {
  readonly name: string;
  /** What an error of the function points at. */
  readonly node: Node;
  readonly args: readonly Operand[];
  readonly final: Final | undefined;
}

/** How errors name what a parameter wants. */
const NAMES: Readonly<Record<ScalarType["kind"], string>> = {
  bool: "bool",
  string: "string",
  int: "integer",
  uint: "unsigned integer",
  float: "float",
  complex: "complex",
};

type Constant = Operand & { readonly kind: "bool" | "number" | "string" };

/** Evaluates commands and their words. */
export class Operands {
  readonly #execution: Execution;

  constructor(execution: Execution) {
    this.#execution = execution;
  }

  command(dot: Maybe, command: Command, final: Final | undefined): Maybe {
    const [first, ...args] = command.words;
    switch (first.kind) {
      case "field":
      case "chain":
      case "variable":
        return this.#fields(dot, first, args, final);
      case "identifier":
        return this.#function(dot, { name: first.name, node: command, args, final }, first);
      case "pipe":
        this.#refuseArguments(first, args, final);
        return this.#execution.pipeline(dot, first);
      case "dot":
      case "nil":
      case "bool":
      case "number":
      case "string":
        this.#execution.at(first);
        this.#refuseArguments(first, args, final);
        return this.#plain(dot, first);
    }
  }

  /** `.A.B`, `$x.A`, `(pipe).A`: arguments go to the last field, if it is a method. */
  #fields(dot: Maybe, node: Operand & { readonly kind: "field" | "chain" | "variable" }, args: readonly Operand[], final: Final | undefined): Maybe {
    this.#execution.at(node);
    const { fields } = node;
    let receiver = dot;
    if (node.kind === "variable") {
      receiver = this.#execution.variable(node.name);
      if (fields.length === 0) {
        this.#refuseArguments(node, args, final);
        return receiver;
      }
    }
    if (node.kind === "chain") receiver = this.#chainBase(dot, node.base);
    for (const name of fields.slice(0, -1)) receiver = this.#field(dot, receiver, { name, node, args: [], final: undefined });
    return this.#field(dot, receiver, { name: fields.at(-1) ?? "", node, args, final });
  }

  #chainBase(dot: Maybe, base: Operand): Maybe {
    if (base.kind === "nil") return this.#execution.fail("indirection through explicit nil in nil");
    return this.#argument(dot, undefined, base);
  }

  #field(dot: Maybe, receiver: Maybe, site: CallSite): Maybe {
    if (receiver === undefined) return undefined;
    const { name, args, final } = site;
    const declared = typeName(receiver.type);
    const { value, isNil } = reach(receiver);
    if (value === undefined || (isNil && value.type.kind === "any")) return this.#execution.fail(`nil pointer evaluating ${declared}.${name}`);
    const hasArguments = args.length > 0 || final !== undefined;
    const struct = value.type.kind === "pointer" ? value.type.element : value.type;
    if (struct.kind === "struct") {
      const method = methodNamed(struct, name);
      if (method !== undefined && !isNil) return this.#call(dot, { parameters: [], call: () => method(value.raw) }, site);
      const field = fieldNamed(new GoValue(struct, value.raw), struct, name);
      if (field !== undefined && isNil) return this.#execution.fail(`nil pointer evaluating ${declared}.${name}`);
      if (field !== undefined && hasArguments) return this.#execution.fail(`${name} has arguments but cannot be invoked as function`);
      if (field !== undefined) return field;
    }
    if (value.type.kind === "map") {
      if (hasArguments) return this.#execution.fail(`${name} is not a method but has arguments`);
      return memberOf(value, name);
    }
    return this.#execution.fail(`can't evaluate field ${name} in type ${declared}`);
  }

  #function(dot: Maybe, site: CallSite, identifier: Operand): Maybe {
    this.#execution.at(identifier);
    const found = this.#execution.functionNamed(site.name);
    if (found === undefined) return this.#execution.fail(`${JSON.stringify(site.name)} is not a defined function`);
    return this.#call(dot, found, site);
  }

  #call(dot: Maybe, callee: GoFunction, site: CallSite): Maybe {
    const { name, args, final, node } = site;
    this.#checkCount(callee, site);
    if (isShortCircuit(callee)) return this.#shortCircuit(dot, site);
    const values: Maybe[] = args.map((arg, index) => this.#argument(dot, callee.parameters[index] ?? callee.rest, arg));
    if (final !== undefined) values.push(this.#assigned(final.value, callee.parameters[values.length] ?? callee.rest));
    if (isCall(callee)) {
      const [calleeText] = args.map(nodeText);
      return this.#execution.invoke(name, node, () => callBuiltin(calleeText ?? describe(final?.value), values));
    }
    return this.#execution.invoke(name, node, () => callee.call(values));
  }

  #checkCount({ parameters, rest }: GoFunction, { name, args, final }: CallSite): void {
    const given = args.length + (final === undefined ? 0 : 1);
    if (rest === undefined) {
      if (given !== parameters.length) this.#execution.fail(`wrong number of args for ${name}: want ${parameters.length} got ${given}`);
    } else if (given < parameters.length) {
      this.#execution.fail(`wrong number of args for ${name}: want at least ${parameters.length} got ${args.length}`);
    }
  }

  /** `and` and `or` evaluate no more arguments than they need. */
  #shortCircuit(dot: Maybe, { name, args, final }: CallSite): Maybe {
    let value: Maybe;
    for (const arg of args) {
      value = this.#argument(dot, { kind: "value" }, arg);
      if (isTrue(inside(value)) === (name === "or")) return value;
    }
    return final === undefined ? value : final.value;
  }

  /** An argument for a parameter of the type; undefined asks for whatever it is. */
  #argument(dot: Maybe, type: GoType | undefined, node: Operand): Maybe {
    this.#execution.at(node);
    switch (node.kind) {
      case "dot":
        return this.#assigned(dot, type);
      case "nil":
        if (type !== undefined && !canBeNil(type)) return this.#execution.fail(`cannot assign nil to ${typeName(type)}`);
        return type === undefined || type.kind === "value" ? undefined : new GoValue(type, undefined);
      case "field":
      case "variable":
      case "chain":
        return this.#assigned(this.#fields(dot, node, [], undefined), type);
      case "pipe":
        return this.#assigned(this.#execution.pipeline(dot, node), type);
      case "identifier":
        return this.#assigned(this.#function(dot, { name: node.name, node, args: [], final: undefined }, node), type);
      case "bool":
      case "number":
      case "string":
        return this.#constant(dot, type, node);
    }
  }

  /** A literal takes the type of its parameter if it can. */
  #constant(dot: Maybe, type: GoType | undefined, node: Constant): Maybe {
    if (type === undefined || type.kind === "value") return this.#plain(dot, node);
    if (type.kind === "any") return new GoValue(ANY, this.#plain(dot, node));
    if (!isScalar(type)) return this.#execution.fail(`can't handle ${nodeText(node)} for arg of type ${typeName(type)}`);
    const raw = rawFor(type, node);
    return raw === undefined ? this.#execution.fail(`expected ${NAMES[type.kind]}; found ${nodeText(node)}`) : new GoValue(type, raw);
  }

  /** The value as one of the type, or the end of the execution. */
  #assigned(value: Maybe, type: GoType | undefined): Maybe {
    if (type === undefined || type.kind === "value") return value;
    if (value === undefined) {
      if (canBeNil(type)) return new GoValue(type, undefined);
      return this.#execution.fail(`invalid value; expected ${typeName(type)}`);
    }
    if (type.kind === "any") return value.type.kind === "any" ? value : new GoValue(ANY, value);
    if (typeName(value.type) === typeName(type)) return value;
    const held = inside(value) ?? value;
    if (typeName(held.type) === typeName(type)) return held;
    if (held.type.kind === "pointer" && typeName(held.type.element) === typeName(type)) {
      if (held.raw === undefined) return this.#execution.fail(`dereference of nil pointer of type ${typeName(type)}`);
      return new GoValue(held.type.element, held.raw);
    }
    return this.#execution.fail(`wrong type for value; expected ${typeName(type)}; got ${typeName(held.type)}`);
  }

  /** A word whose own form says what it is. */
  #plain(dot: Maybe, node: Constant | (Operand & { readonly kind: "dot" | "nil" })): Maybe {
    switch (node.kind) {
      case "dot":
        return dot;
      case "nil":
        return this.#execution.fail("nil is not a command");
      case "bool":
        return new GoValue(BOOL, node.value);
      case "string":
        return new GoValue(STRING, node.text);
      case "number":
        return this.#number(node);
    }
  }

  #number(node: Operand & { readonly kind: "number" }): Maybe {
    this.#execution.at(node);
    const { literal, text } = node;
    if (literal.complex !== undefined) return new GoValue(COMPLEX128, literal.complex);
    const isHexInteger = /^0[xX]/.test(text) && !/[pP]/.test(text);
    if (literal.float !== undefined && !isHexInteger && !text.startsWith("'") && /[.eEpP]/.test(text)) return new GoValue(FLOAT64, literal.float);
    if (literal.integer === undefined) return this.#execution.fail(`${text} overflows int`);
    return new GoValue(INT, literal.integer);
  }

  #refuseArguments(node: Operand, args: readonly Operand[], final: Final | undefined): void {
    if (args.length === 0 && final === undefined) return;
    this.#execution.fail(`can't give argument to non-function ${nodeText(node)}`);
  }
}

function isScalar(type: GoType): type is ScalarType {
  return type.kind in NAMES;
}

/** A literal as data of the type; undefined where it cannot be. */
function rawFor({ kind }: ScalarType, node: Constant): unknown {
  if (kind === "bool") return node.kind === "bool" ? node.value : undefined;
  if (kind === "string") return node.kind === "string" ? node.text : undefined;
  if (node.kind !== "number") return undefined;
  const { integer, unsigned, float, complex } = node.literal;
  return { int: integer, uint: unsigned, float, complex }[kind];
}

/** As reflect prints a value: strings are themselves. */
function describe(value: Maybe): string {
  if (value?.type.kind === "string") return textOf(value);
  return `<${value === undefined ? "invalid" : typeName(value.type)} Value>`;
}
