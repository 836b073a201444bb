import { FunctionError, TemplateError } from "./template-error.ts";
import type { GoFunction, Functions } from "./go-function.ts";
import { ANY, INT, STRING, typeName } from "./go-type.ts";
import { nodeText, type Branch, type Node, type Pipe, type Statement } from "./node.ts";
import type { Definitions } from "./parser.ts";
import { formatValue } from "./format-value.ts";
import { Operands } from "./evaluate-operand.ts";
import { printable } from "./print.ts";
import { quote } from "./quote.ts";
import { GoValue, elementsOf, entriesOf, inside, integerOf, isTrue, reach, valueOf, type Maybe } from "./value.ts";

/** Templates that call each other deeper than this call each other for ever. Go's own bound needs Go's stack. */
const DEPTH_MAX = 1000;

export interface Program {
  readonly name: string;
  readonly text: string;
  readonly definitions: Definitions;
  readonly functions: Functions;
}

/** What a statement does to the loop around it. */
type Flow = "on" | "break" | "continue";

/** Runs a template on data. Throws TemplateError "execute", with what was written until then. */
export function execute(program: Program, data: unknown): string {
  const execution = new Execution(program);
  execution.run(program.name, valueOf(data));
  return execution.output();
}

interface Variable {
  readonly name: string;
  value: Maybe;
}

/** One execution: where it is, what it has written, and the variables of the template that it is in. */
export class Execution {
  readonly #program: Program;
  readonly #written: string[] = [];
  readonly #operands: Operands;
  #templateName: string;
  #variables: Variable[] = [];
  #depth = 0;
  /** What an error would point at. */
  #node: Node | undefined;

  constructor(program: Program) {
    this.#program = program;
    this.#templateName = program.name;
    this.#operands = new Operands(this);
  }

  output(): string {
    return this.#written.join("");
  }

  run(name: string, dot: Maybe): void {
    const statements = this.#program.definitions.get(name);
    if (statements === undefined) return this.fail(`${quote(name)} is an incomplete or empty template`);
    this.#variables = [{ name: "$", value: dot }];
    this.#walkList(dot, statements);
  }

  at(node: Node): void {
    this.#node = node;
  }

  fail(message: string): never {
    const at = this.#node === undefined ? "" : `${this.#location(this.#node)}: executing ${quote(this.#templateName)} at <${nodeText(this.#node)}>: `;
    const where = at === "" ? `${this.#templateName}: ` : at;
    throw new TemplateError("execute", `template: ${where}${message}`, this.output());
  }

  functionNamed(name: string): GoFunction | undefined {
    return Object.hasOwn(this.#program.functions, name) ? this.#program.functions[name] : undefined;
  }

  variable(name: string): Maybe {
    return this.#find(name).value;
  }

  /** The value of a pipeline; what it declares stays declared until the end of the block. */
  pipeline(dot: Maybe, pipe: Pipe): Maybe {
    this.at(pipe);
    let value: Maybe;
    for (const [index, command] of pipe.commands.entries()) {
      value = inside(this.#operands.command(dot, command, index === 0 ? undefined : { value }));
    }
    for (const { name } of pipe.variables) {
      if (pipe.assigns) this.#find(name).value = value;
      else this.#variables.push({ name, value });
    }
    return value;
  }

  /** Calls a function; what it throws on purpose ends the execution with its name. */
  invoke(name: string, node: Node, call: () => unknown): GoValue {
    try {
      return resultOf(call());
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error;
      this.at(node);
      return this.fail(`error calling ${name}: ${error.message}`);
    }
  }

  #walkList(dot: Maybe, statements: readonly Statement[]): Flow {
    for (const statement of statements) {
      const flow = this.#walk(dot, statement);
      if (flow !== "on") return flow;
    }
    return "on";
  }

  #walk(dot: Maybe, statement: Statement): Flow {
    this.at(statement);
    switch (statement.kind) {
      case "text":
        this.#written.push(statement.text);
        return "on";
      case "action": {
        const value = this.pipeline(dot, statement.pipe);
        if (statement.pipe.variables.length === 0) this.#print(statement, value);
        return "on";
      }
      case "if":
      case "with":
        return this.#scoped(() => this.#choose(dot, statement));
      case "range":
        return this.#scoped(() => this.#range(dot, statement));
      case "template":
        this.#callTemplate(dot, statement);
        return "on";
      case "break":
      case "continue":
        return statement.kind;
    }
  }

  #print(statement: Statement, value: Maybe): void {
    this.at(statement);
    const shown = printable(value);
    if (shown?.type.kind === "func") this.fail(`can't print ${nodeText(statement)} of type ${typeName(shown.type)}`);
    this.#written.push(formatValue(shown ?? new GoValue(STRING, "<no value>")));
  }

  #choose(dot: Maybe, branch: Branch): Flow {
    const value = this.pipeline(dot, branch.pipe);
    if (isTrue(inside(value))) return this.#walkList(branch.kind === "with" ? value : dot, branch.body);
    return branch.otherwise === undefined ? "on" : this.#walkList(dot, branch.otherwise);
  }

  #range(dot: Maybe, branch: Branch): Flow {
    const { value } = reach(this.pipeline(dot, branch.pipe));
    let isEmpty = true;
    for (const [key, element] of this.#items(value, branch)) {
      isEmpty = false;
      const flow = this.#scoped(() => {
        this.#bind(branch.pipe, key, element);
        return this.#walkList(element, branch.body);
      });
      if (flow === "break") break;
    }
    if (isEmpty && branch.otherwise !== undefined) return this.#walkList(dot, branch.otherwise);
    return "on";
  }

  #items(value: Maybe, { pipe }: Branch): Iterable<readonly [key: Maybe, element: Maybe]> {
    if (value === undefined || value.type.kind === "any") return [];
    const { kind } = value.type;
    if (kind === "slice" || kind === "bytes") return elementsOf(value).map((element, index) => [new GoValue(INT, index), element] as const);
    if (kind === "map") return entriesOf(value).map(([key, member]) => [new GoValue(STRING, key), member] as const);
    if (kind !== "int" && kind !== "uint") return this.fail(`range can't iterate over ${formatValue(value)}`);
    if (pipe.variables.length > 1) this.fail(`can't use ${formatValue(value)} to iterate over more than one variable`);
    return counted(value);
  }

  /** One variable of a range is the element; of two, the first is the key. */
  #bind({ variables, assigns }: Pipe, key: Maybe, element: Maybe): void {
    const values = variables.length > 1 ? [key, element] : [element];
    for (const [index, { name }] of variables.entries()) {
      if (assigns) this.#find(name).value = values[index];
      else this.#variables.push({ name, value: values[index] });
    }
  }

  #callTemplate(dot: Maybe, statement: Statement & { readonly kind: "template" }): void {
    const statements = this.#program.definitions.get(statement.name);
    if (statements === undefined) return this.fail(`template ${quote(statement.name)} not defined`);
    if (this.#depth === DEPTH_MAX) return this.fail(`exceeded maximum template depth (${DEPTH_MAX})`);
    const argument = statement.pipe === undefined ? undefined : this.pipeline(dot, statement.pipe);
    const { name, variables } = { name: this.#templateName, variables: this.#variables };
    this.#depth += 1;
    this.#templateName = statement.name;
    this.#variables = [{ name: "$", value: argument }];
    this.#walkList(argument, statements);
    this.#depth -= 1;
    this.#templateName = name;
    this.#variables = variables;
  }

  /** Forgets, after `body`, the variables that it declared. */
  #scoped(body: () => Flow): Flow {
    const { length } = this.#variables;
    const flow = body();
    this.#variables.length = length;
    return flow;
  }

  #find(name: string): Variable {
    return this.#variables.findLast((variable) => variable.name === name) ?? this.fail(`undefined variable: ${name}`);
  }

  /** `name:line:column`, the column in bytes from 0, as Go counts it. */
  #location({ position }: Node): string {
    const before = this.#program.text.slice(0, position);
    const lineStart = before.lastIndexOf("\n") + 1;
    const line = before.split("\n").length;
    return `${this.#program.name}:${line}:${Buffer.byteLength(before.slice(lineStart))}`;
  }
}

/** A function's result is of interface type where it is nil, else of its own type. */
function resultOf(result: unknown): GoValue {
  if (result instanceof GoValue) return result;
  return valueOf(result) ?? new GoValue(ANY, undefined);
}

/** From 0 to below that integer, one at a time: it may be as large as integers are. */
function* counted(end: GoValue): Generator<readonly [key: undefined, element: GoValue]> {
  const count = Number(integerOf(end));
  for (let index = 0; index < count; index += 1) yield [undefined, new GoValue(end.type, index)];
}
