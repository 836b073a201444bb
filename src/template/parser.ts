import { unquote } from "./literal.ts";
import { nodeText, type Branch, type Pipe, type Statement } from "./node.ts";
import { literal, parsePipeline, type PipelineScope } from "./parse-pipeline.ts";
import { TokenStream } from "./token-stream.ts";

/** The named templates in a text, the text itself among them. */
export type Definitions = ReadonlyMap<string, readonly Statement[]>;

/** Throws TemplateError "parse". */
export function parse(name: string, text: string, hasFunction: (name: string) => boolean): Definitions {
  const tokens = new TokenStream(name, text, hasFunction);
  const definitions = new Map<string, readonly Statement[]>();
  const parser = new Parser(tokens, hasFunction, definitions);
  parser.define(name, parser.topLevel());
  return definitions;
}

type End = { readonly kind: "end" | "else" };

class Parser {
  readonly #scope: PipelineScope;
  readonly #definitions: Map<string, readonly Statement[]>;
  #rangeDepth = 0;

  constructor(tokens: TokenStream, hasFunction: (name: string) => boolean, definitions: Map<string, readonly Statement[]>) {
    this.#scope = { tokens, hasFunction, variables: ["$"] };
    this.#definitions = definitions;
  }

  get #tokens(): TokenStream {
    return this.#scope.tokens;
  }

  topLevel(): readonly Statement[] {
    const tokens: TokenStream = this.#tokens;
    const statements: Statement[] = [];
    while (tokens.peek().kind !== "eof") {
      const mark = tokens.mark;
      if (tokens.next().kind === "leftDelim" && tokens.isKeyword("define")) {
        tokens.next();
        this.#definition();
        continue;
      }
      tokens.rewind(mark);
      const statement = this.#textOrAction();
      if (isEnd(statement)) tokens.fail(`unexpected {{${statement.kind}}}`);
      statements.push(statement);
    }
    return statements;
  }

  /** A later definition may replace one that is blank, and a blank one never counts. */
  define(name: string, statements: readonly Statement[]): void {
    const earlier = this.#definitions.get(name);
    if (earlier === undefined || isBlank(earlier)) this.#definitions.set(name, statements);
    else if (!isBlank(statements)) this.#tokens.fail(`template: multiple definition of template ${JSON.stringify(name)}`);
  }

  #definition(): void {
    const context = "define clause";
    const name = this.#templateName(context);
    this.#tokens.expect("rightDelim", context);
    this.#nested(name, context);
  }

  /** The body of a define or a block: variables and loops outside are not seen in it. */
  #nested(name: string, context: string): void {
    const inner = new Parser(this.#tokens, this.#scope.hasFunction, this.#definitions);
    const { actionLine } = this.#tokens;
    this.#tokens.actionLine = 0;
    const { statements, end } = inner.#list();
    this.#tokens.actionLine = actionLine;
    if (end.kind !== "end") this.#tokens.fail(`unexpected {{${end.kind}}} in ${context}`);
    inner.define(name, statements);
  }

  /** Statements up to `{{end}}` or `{{else}}`. */
  #list(): { readonly statements: readonly Statement[]; readonly end: End } {
    const statements: Statement[] = [];
    while (this.#tokens.peekNonSpace().kind !== "eof") {
      const statement = this.#textOrAction();
      if (isEnd(statement)) return { statements, end: statement };
      statements.push(statement);
    }
    return this.#tokens.fail("unexpected EOF");
  }

  #textOrAction(): Statement | End {
    const token = this.#tokens.nextNonSpace();
    if (token.kind === "text") return { kind: "text", position: token.position, text: token.text };
    if (token.kind !== "leftDelim") return this.#tokens.unexpected(token, "input");
    this.#tokens.actionLine = token.line;
    const statement = this.#action();
    this.#tokens.actionLine = 0;
    return statement;
  }

  #action(): Statement | End {
    const tokens = this.#tokens;
    const token = tokens.peekNonSpace();
    if (token.kind === "keyword" && token.text !== "define") {
      tokens.next();
      return this.#control(token.text, token.position);
    }
    return { kind: "action", position: token.position, pipe: this.#pipeline("command") };
  }

  #control(word: string, position: number): Statement | End {
    switch (word) {
      case "if":
      case "with":
      case "range":
        return this.#branch(word);
      case "break":
      case "continue":
        return this.#loopControl(word, position);
      case "block":
        return this.#block();
      case "template":
        return this.#template();
      case "end":
        this.#tokens.expect("rightDelim", "end");
        return { kind: "end" };
      default:
        // "else if" and "else with" leave their keyword for the branch that they belong to.
        if (!this.#tokens.isKeyword("if") && !this.#tokens.isKeyword("with")) this.#tokens.expect("rightDelim", "else");
        return { kind: "else" };
    }
  }

  #branch(kind: Branch["kind"]): Statement {
    const variablesBefore = this.#scope.variables.length;
    const pipe = this.#pipeline(kind);
    if (kind === "range") this.#rangeDepth += 1;
    const { statements: body, end } = this.#list();
    if (kind === "range") this.#rangeDepth -= 1;
    const otherwise = end.kind === "else" ? this.#otherwise(kind) : undefined;
    this.#scope.variables.length = variablesBefore;
    return { kind, position: pipe.position, pipe, body, ...(otherwise === undefined ? {} : { otherwise }) };
  }

  #otherwise(kind: Branch["kind"]): readonly Statement[] {
    if (kind !== "range" && this.#tokens.isKeyword(kind)) {
      this.#tokens.next();
      return [this.#branch(kind)];
    }
    const { statements, end } = this.#list();
    if (end.kind !== "end") this.#tokens.fail(`expected end; found {{${end.kind}}}`);
    return statements;
  }

  #loopControl(kind: "break" | "continue", position: number): Statement {
    const token = this.#tokens.nextNonSpace();
    if (token.kind !== "rightDelim") this.#tokens.unexpected(token, `{{${kind}}}`);
    if (this.#rangeDepth === 0) this.#tokens.fail(`{{${kind}}} outside {{range}}`);
    return { kind, position };
  }

  #block(): Statement {
    const { position } = this.#tokens.peekNonSpace();
    const name = this.#templateName("block clause");
    const pipe = this.#pipeline("block clause");
    this.#nested(name, "block clause");
    return { kind: "template", position, name, pipe };
  }

  #template(): Statement {
    const tokens = this.#tokens;
    const { position } = tokens.peekNonSpace();
    const name = this.#templateName("template clause");
    if (tokens.peekNonSpace().kind !== "rightDelim") return { kind: "template", position, name, pipe: this.#pipeline("template clause") };
    tokens.next();
    return { kind: "template", position, name };
  }

  #templateName(context: string): string {
    const token = this.#tokens.nextNonSpace();
    if (token.kind !== "string" && token.kind !== "rawString") return this.#tokens.unexpected(token, context);
    return literal(this.#tokens, () => unquote(token.text));
  }

  #pipeline(context: string): Pipe {
    return parsePipeline(this.#scope, context, "rightDelim");
  }
}

function isEnd(statement: Statement | End): statement is End {
  return statement.kind === "end" || statement.kind === "else";
}

function isBlank(statements: readonly Statement[]): boolean {
  return statements.every((statement) => statement.kind === "text" && nodeText(statement).trim() === "");
}
