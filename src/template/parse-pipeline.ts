import type { Token } from "./lexer.ts";
import { LiteralError, parseCharacter, parseComplex, parseNumber, unquote, type NumberLiteral } from "./literal.ts";
import { nodeText, type Command, type Operand, type Pipe, type VariableOperand } from "./node.ts";
import type { TokenStream } from "./token-stream.ts";

/** What is known where a pipeline stands. */
export interface PipelineScope {
  readonly tokens: TokenStream;
  readonly hasFunction: (name: string) => boolean;
  /** Variables that may be named; a pipeline that declares one adds it. */
  readonly variables: string[];
}

const OPERAND_STARTS: ReadonlySet<Token["kind"]> = new Set([
  "bool", "charConstant", "complex", "dot", "field", "identifier", "number", "nil", "rawString", "string", "variable", "leftParen",
]);
const NUMBER_PARSERS: Partial<Readonly<Record<Token["kind"], (text: string) => NumberLiteral>>> = {
  charConstant: parseCharacter,
  complex: parseComplex,
  number: parseNumber,
};
const NOT_EXECUTABLE: ReadonlySet<Operand["kind"]> = new Set(["bool", "dot", "nil", "number", "string"]);

/** `declarations? command ("|" command)*` up to and with the token that ends it. */
export function parsePipeline(scope: PipelineScope, context: string, end: "rightDelim" | "rightParen"): Pipe {
  const { tokens } = scope;
  const { position } = tokens.peekNonSpace();
  const { variables, assigns } = parseVariables(scope, context);
  const commands: Command[] = [];
  for (;;) {
    const token = tokens.peekNonSpace();
    if (OPERAND_STARTS.has(token.kind)) commands.push(parseCommand(scope));
    else if (token.kind === end) break;
    else tokens.unexpected(tokens.next(), context);
  }
  tokens.next();
  if (commands.length === 0) tokens.fail(`missing value for ${context}`);
  const wrong = commands.findIndex(({ words: [first] }, index) => index > 0 && NOT_EXECUTABLE.has(first.kind));
  if (wrong > 0) tokens.fail(`non executable command in pipeline stage ${wrong + 1}`);
  return { kind: "pipe", position, variables, assigns, commands };
}

/** `$x :=`, `$x =`, and in a range `$i, $x :=`. */
function parseVariables(scope: PipelineScope, context: string): Pick<Pipe, "variables" | "assigns"> {
  const { tokens } = scope;
  const variables: VariableOperand[] = [];
  for (;;) {
    const mark = tokens.mark;
    if (tokens.peekNonSpace().kind !== "variable") return { variables, assigns: false };
    const { text: name, position } = tokens.next();
    const next = tokens.peekNonSpace();
    const isList = next.kind === "char" && next.text === ",";
    if (next.kind !== "assign" && next.kind !== "declare" && !isList) {
      tokens.rewind(mark);
      return { variables, assigns: false };
    }
    tokens.next();
    variables.push({ kind: "variable", position, name, fields: [] });
    scope.variables.push(name);
    if (!isList) return { variables, assigns: next.kind === "assign" };
    if (context !== "range" || variables.length >= 2) tokens.fail(`too many declarations in ${context}`);
    if (!["variable", "rightDelim", "rightParen"].includes(tokens.peekNonSpace().kind)) tokens.fail("range can only initialize variables");
  }
}

/** Words up to a pipe, which is taken, or the end of the pipeline, which is not. */
function parseCommand(scope: PipelineScope): Command {
  const { tokens } = scope;
  const { position } = tokens.peekNonSpace();
  const words: Operand[] = [];
  for (;;) {
    tokens.peekNonSpace();
    const operand = parseOperand(scope);
    if (operand !== undefined) words.push(operand);
    const token = tokens.peek();
    if (token.kind === "space") continue;
    if (token.kind !== "rightDelim" && token.kind !== "rightParen") {
      tokens.next();
      if (token.kind !== "pipe") tokens.unexpected(token, "operand");
    }
    const [first, ...rest] = words;
    if (first === undefined) return tokens.fail("empty command");
    return { kind: "command", position, words: [first, ...rest] };
  }
}

/** A term with the fields that follow it. */
function parseOperand(scope: PipelineScope): Operand | undefined {
  const { tokens } = scope;
  const base = parseTerm(scope);
  if (base === undefined || tokens.peek().kind !== "field") return base;
  const { position } = tokens.peek();
  const fields: string[] = [];
  while (tokens.peek().kind === "field") fields.push(tokens.next().text.slice(1));
  switch (base.kind) {
    case "field":
    case "variable":
      return { ...base, position, fields: [...base.fields, ...fields] };
    case "identifier":
    case "pipe":
    case "chain":
      return { kind: "chain", position, base, fields };
    case "bool":
    case "string":
    case "number":
    case "nil":
    case "dot":
      return tokens.fail(`unexpected . after term ${JSON.stringify(nodeText(base))}`);
  }
}

function parseTerm(scope: PipelineScope): Operand | undefined {
  const { tokens } = scope;
  const { kind, text, position } = tokens.peekNonSpace();
  if (!OPERAND_STARTS.has(kind)) return undefined;
  tokens.next();
  const number = NUMBER_PARSERS[kind];
  if (number !== undefined) return { kind: "number", position, text, literal: literal(tokens, () => number(text)) };
  if (kind === "string" || kind === "rawString") return { kind: "string", position, quoted: text, text: literal(tokens, () => unquote(text)) };
  if (kind === "dot" || kind === "nil") return { kind, position };
  if (kind === "bool") return { kind, position, value: text === "true" };
  if (kind === "field") return { kind, position, fields: [text.slice(1)] };
  if (kind === "identifier") {
    if (!scope.hasFunction(text)) tokens.fail(`function ${JSON.stringify(text)} not defined`);
    return { kind, position, name: text };
  }
  if (kind === "variable") {
    if (!scope.variables.includes(text)) tokens.fail(`undefined variable ${JSON.stringify(text)}`);
    return { kind, position, name: text, fields: [] };
  }
  return parsePipeline(scope, "parenthesized pipeline", "rightParen");
}

/** Turns a complaint about a literal into one about the template. */
export function literal<T>(tokens: TokenStream, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof LiteralError) return tokens.fail(error.message);
    throw error;
  }
}
