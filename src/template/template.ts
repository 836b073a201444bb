import { BUILTINS } from "./builtin.ts";
import { execute } from "./evaluate.ts";
import type { Functions } from "./go-function.ts";
import { listText, type Operand, type Pipe, type Statement } from "./node.ts";
import { parse, type Definitions } from "./parser.ts";

/** A template in the language of Go's text/template, ready to be run. */
export interface Template {
  /** The template in its own syntax, comments and trimmed spaces left out. */
  readonly text: string;
  /** Every name that it asks for with a dot, so that costly data can be fetched only if asked for. */
  readonly fields: ReadonlySet<string>;
  /** Throws TemplateError "execute", which carries what was written until then. */
  execute(data: unknown): string;
}

/** Functions must be known beforehand: a template that names another is refused. Throws TemplateError "parse". */
export function parseTemplate(name: string, text: string, functions: Functions = {}): Template {
  const all: Functions = { ...BUILTINS, ...functions };
  const definitions = parse(name, text, (word) => Object.hasOwn(all, word));
  return {
    text: listText(definitions.get(name) ?? []),
    fields: fieldsIn(definitions),
    execute: (data) => execute({ name, text, definitions, functions: all }, data),
  };
}

function fieldsIn(definitions: Definitions): ReadonlySet<string> {
  const fields = new Set<string>();
  const addStatements = (statements: readonly Statement[]): void => {
    for (const statement of statements) {
      if ("pipe" in statement && statement.pipe !== undefined) addPipe(statement.pipe);
      if ("body" in statement) addStatements([...statement.body, ...(statement.otherwise ?? [])]);
    }
  };
  const addPipe = (pipe: Pipe): void => pipe.commands.forEach(({ words }) => words.forEach(addOperand));
  const addOperand = (operand: Operand): void => {
    if ("fields" in operand) operand.fields.forEach((field) => fields.add(field));
    if (operand.kind === "pipe") addPipe(operand);
    if (operand.kind === "chain") addOperand(operand.base);
  };
  definitions.values().forEach(addStatements);
  return fields;
}

