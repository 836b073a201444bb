import { DirectiveReader, withoutByteOrderMark } from "./directives.ts";
import { DockerfileError, InstructionError } from "./dockerfile-error.ts";
import { toLower, trimEndOf, trimSpace, trimStart } from "./go-text.ts";
import { heredocsOf, type Heredoc } from "./heredoc.ts";
import type { DockerfileNode } from "./node.ts";
import type { Directive, Finding } from "./parsed.ts";
import { ShellWordError } from "./shell-lex.ts";
import { MAX_LINE_BYTES, SourceLines } from "./source-lines.ts";
import { lineRanges } from "./source-range.ts";
import { SPLITTERS } from "./split-arguments.ts";
import { splitLine } from "./split-line.ts";

/** A bound of our own: each instruction takes about a kilobyte until it is an operation. No image has as many layers by far. */
export const MAX_INSTRUCTIONS = 100_000;

/** A Dockerfile as nodes. */
export interface ParsedLines {
  readonly nodes: readonly DockerfileNode[];
  readonly escape: "\\" | "`";
  readonly directives: readonly Directive[];
  readonly findings: readonly Finding[];
}

/** Lines to nodes: directives, comments, continuations, heredocs. Throws DockerfileError. */
export function parseLines(bytes: Uint8Array): ParsedLines {
  const parser = new LineParser(new SourceLines(bytes));
  const nodes: DockerfileNode[] = [];
  for (let node = parser.next(); node !== undefined; node = parser.next()) nodes.push(node);
  return { nodes, escape: parser.escape, directives: parser.directives, findings: parser.findings };
}

/** A logical line: what stands on it once its continuations are joined. */
interface LogicalLine {
  readonly text: string;
  readonly firstLine: number;
}

class LineParser {
  escape: "\\" | "`" = "\\";
  readonly directives: Directive[] = [];
  readonly findings: Finding[] = [];
  readonly #lines: SourceLines;
  readonly #directiveReader = new DirectiveReader();
  #comments: string[] = [];
  #nodes = 0;

  constructor(lines: SourceLines) {
    this.#lines = lines;
  }

  next(): DockerfileNode | undefined {
    const line = this.#nextLogicalLine();
    if (line === undefined) return this.#finish();
    if (this.#nodes === MAX_INSTRUCTIONS) throw new DockerfileError("source", `dockerfile has more than ${MAX_INSTRUCTIONS} instructions: split it into several`, [lineRanges(line.firstLine, line.firstLine)]);
    const node = this.#at(line.firstLine, () => this.#parseNode(line));
    this.#comments = [];
    this.#nodes++;
    return node;
  }

  #finish(): undefined {
    if (this.#nodes === 0) throw this.#sourceError("file with no instructions");
    if (this.#lines.tooLong) throw this.#sourceError(`dockerfile line greater than max allowed size of ${MAX_LINE_BYTES}`);
    return undefined;
  }

  #sourceError(message: string): DockerfileError {
    return new DockerfileError("source", message, [lineRanges(this.#lines.taken, 0)]);
  }

  /** Skips comments, directives and blank lines; joins what continues. */
  #nextLogicalLine(): LogicalLine | undefined {
    for (let line = this.#lines.next(); line !== undefined; line = this.#lines.next()) {
      const physical = this.#lines.taken === 1 ? withoutByteOrderMark(line) : line;
      const text = trimStart(withoutLineEnd(physical));
      if (text.startsWith("#") || !this.#directiveReader.done) this.#takeComment(physical, text);
      if (text === "" || text.startsWith("#")) continue;
      const firstLine = this.#lines.taken;
      const { before, continues } = this.#cutContinuation(text);
      return { text: continues ? this.#joinContinuations(before) : before, firstLine };
    }
    return undefined;
  }

  #takeComment(physical: string, text: string): void {
    // A location before the line itself is BuildKit's for directives that are wrong.
    const directive = this.#at(this.#lines.taken - 1, () => this.#readDirective(text), 0);
    if (directive !== undefined || !text.startsWith("#")) return;
    // As in BuildKit, only the first character goes, so an indented comment keeps its sign.
    const comment = trimSpace(physical.slice(1));
    if (comment === "") this.#comments = [];
    else this.#comments.push(comment);
  }

  #readDirective(text: string): Directive | undefined {
    const directive = this.#directiveReader.read(text);
    if (directive === undefined) return undefined;
    if (directive.name === "escape") this.escape = escapeOf(directive.value);
    this.directives.push(directive);
    return directive;
  }

  #joinContinuations(start: string): string {
    let joined = start;
    let hasEmptyLine = false;
    for (let line = this.#lines.next(); line !== undefined; line = this.#lines.next()) {
      const text = withoutLineEnd(line);
      const visible = trimStart(text);
      if (visible === "") hasEmptyLine = true;
      if (visible === "" || visible.startsWith("#")) continue;
      const { before, continues } = this.#cutContinuation(text);
      joined += before;
      if (!continues) break;
    }
    if (hasEmptyLine) this.#noteEmptyContinuation();
    return joined;
  }

  #noteEmptyContinuation(): void {
    this.findings.push({
      rule: "NoEmptyContinuation",
      message: "Empty continuation line",
      url: "https://docs.docker.com/go/dockerfile/rule/no-empty-continuation/",
      location: lineRanges(this.#lines.taken, this.#lines.taken),
      comments: [],
    });
  }

  /** An escape at the end, but for blanks, continues the line, unless another escape stands before it. */
  #cutContinuation(text: string): { readonly before: string; readonly continues: boolean } {
    const visible = trimEndOf(text, " \t");
    const continues = visible.endsWith(this.escape) && visible.at(-2) !== this.escape;
    return { before: continues ? visible.slice(0, -1) : text, continues };
  }

  #parseNode(line: LogicalLine): DockerfileNode {
    const { firstLine } = line;
    const node = { ...newNode(line.text, this.escape), comments: this.#comments };
    const heredocs = takesHeredocs(node) && line.text.includes("<<") ? heredocsOf(line.text).map((heredoc) => this.#readBody(heredoc)) : [];
    return { ...node, heredocs, firstLine, lastLine: this.#lines.taken };
  }

  #readBody(heredoc: Heredoc): Heredoc {
    let content = heredoc.content;
    for (let line = this.#lines.next(); line !== undefined; line = this.#lines.next()) {
      const text = withoutLineEnd(line);
      if ((heredoc.chomp ? text.replace(/^\t+/, "") : text) === heredoc.name) return { ...heredoc, content };
      content += line;
    }
    throw new InstructionError("unterminated heredoc", "source");
  }

  /** Gives a fault the lines from `firstLine` to the last one taken. */
  #at<Result>(firstLine: number, use: () => Result, lastLine?: number): Result {
    try {
      return use();
    } catch (error) {
      if (!(error instanceof InstructionError) && !(error instanceof ShellWordError)) throw error;
      throw new DockerfileError("source", error.message, [lineRanges(firstLine, lastLine ?? this.#lines.taken)]);
    }
  }
}

/** A loop, not a recursion: a line can hold thousands of ONBUILDs. */
function newNode(line: string, escape: string): DockerfileNode {
  const outer: { readonly original: string; readonly word: string; readonly flags: readonly string[] }[] = [];
  let original = line;
  let split = splitLine(line, escape);
  while (toLower(split.word) === "onbuild" && split.rest !== "") {
    outer.push({ original, word: split.word, flags: split.flags });
    original = split.rest;
    split = splitLine(original, escape);
  }
  const { word, flags, rest } = split;
  const splitter = Object.hasOwn(SPLITTERS, toLower(word)) ? SPLITTERS[toLower(word)] : undefined;
  const unplaced = { heredocs: [], firstLine: 0, lastLine: 0, comments: [] };
  const innermost: DockerfileNode = { original, word, flags, ...(splitter?.(rest, escape) ?? { args: [], json: false }), child: undefined, ...unplaced };
  return outer.reduceRight<DockerfileNode>((child, parts) => ({ ...parts, args: [], json: false, child, ...unplaced }), innermost);
}

function takesHeredocs(node: DockerfileNode): boolean {
  const inner = toLower(node.word) === "onbuild" ? (node.child ?? node) : node;
  return ["add", "copy", "run"].includes(toLower(inner.word)) && !inner.json;
}

function withoutLineEnd(line: string): string {
  return trimEndOf(line, "\r\n");
}

function escapeOf(value: string): "\\" | "`" {
  if (value === "\\" || value === "`") return value;
  throw new InstructionError(`invalid escape token '${value}' does not match \` or \\`, "source");
}
