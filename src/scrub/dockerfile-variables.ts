/** A literal in ARG, ENV or LABEL. */
export interface DeclaredVariable {
  readonly name: string;
  /** As the variable gets it, but for references, which stay as they are written. */
  readonly value: string;
  /** Where the literal stands, without the quotation marks around the whole of it. */
  readonly start: number;
  readonly end: number;
}

const INSTRUCTION = /^[ \t]*(?:ONBUILD[ \t]+)?(ARG|ENV|LABEL)[ \t]+/i;
const ESCAPE_DIRECTIVE = /^#[ \t]*escape[ \t]*=[ \t]*`[ \t]*$/im;
const COMMENT = /^[ \t]*#/;

/** Each `NAME=value` of a Dockerfile's ARG, ENV and LABEL instructions, and of the older `ENV NAME value`. */
export function declaredVariables(text: string): readonly DeclaredVariable[] {
  const escape = ESCAPE_DIRECTIVE.test(text.slice(0, firstInstructionAt(text))) ? "`" : "\\";
  const lines = text.split("\n");
  const variables: DeclaredVariable[] = [];
  let offset = 0;
  for (let start = 0; start < lines.length; ) {
    const end = instructionEnd(lines, start, escape);
    const keyword = INSTRUCTION.exec(lines[start] ?? "");
    const instruction = lines.slice(start, end).join("\n");
    if (keyword !== null) for (const variable of variablesOf(instruction.slice(keyword[0].length), { keyword: (keyword[1] ?? "").toUpperCase(), escape, offset: offset + keyword[0].length })) variables.push(variable);
    offset += instruction.length + 1;
    start = end;
  }
  return variables;
}

interface Instruction {
  readonly keyword: string;
  readonly escape: string;
  /** Of its words in the text. */
  readonly offset: number;
}

function firstInstructionAt(text: string): number {
  const at = text.search(/^[ \t]*[^#\s]/m);
  return at === -1 ? text.length : at;
}

/** The line after the instruction that begins at `start`: its continuations, with comments and blank lines between them. */
function instructionEnd(lines: readonly string[], start: number, escape: string): number {
  let end = start + 1;
  if (COMMENT.test(lines[start] ?? "") || !isContinued(lines[start], escape)) return end;
  while (end < lines.length && (isContinued(lines[end], escape) || COMMENT.test(lines[end] ?? "") || lines[end]?.trim() === "")) end++;
  return Math.min(end + 1, lines.length);
}

function isContinued(line: string | undefined, escape: string): boolean {
  return line?.trimEnd().endsWith(escape) ?? false;
}

function variablesOf(words: string, instruction: Instruction): readonly DeclaredVariable[] {
  const older = /^([A-Za-z_][\w.-]*)([ \t]+)([^=\s][\s\S]*)$/.exec(words);
  if (instruction.keyword !== "ARG" && older !== null) {
    const [, name = "", space = "", value = ""] = older;
    return [variableAt(name, value, name.length + space.length, instruction)];
  }
  const escaped = instruction.escape === "`" ? "`" : String.raw`\\`;
  const value = `(?:"(?:${escaped}[\\s\\S]|[^"${escaped}])*"|'[^']*'|${escaped}[^\\s]|[^\\s"'${escaped}])*`;
  return [...words.matchAll(new RegExp(`(?<![^\\s])(?:"([^"\\s]+)"|([A-Za-z_][\\w.-]*))=(${value})`, "g"))].map(({ 0: whole, 1: quoted, 2: plain, 3: raw = "", index }) =>
    variableAt(quoted ?? plain ?? "", raw, index + whole.length - raw.length, instruction));
}

function variableAt(name: string, raw: string, at: number, { escape, offset }: Instruction): DeclaredVariable {
  const quote = /^(["'])[\s\S]*\1$/.exec(raw)?.[1] ?? "";
  const inside = raw.slice(quote.length, raw.length - quote.length).trimEnd();
  const start = offset + at + quote.length;
  return { name, value: unquoted(inside, quote, escape), start, end: start + inside.length };
}

/** What the shell would make of it: continued lines joined, quotation marks and escapes gone. */
function unquoted(literal: string, quote: string, escape: string): string {
  if (quote === "'") return literal;
  const joined = literal.replace(escape === "`" ? /`[ \t]*\r?\n/g : /\\[ \t]*\r?\n/g, "");
  const plain = quote === "" ? joined.replace(/(["'])(.*?)\1/gs, "$2") : joined;
  return plain.replace(escape === "`" ? /`([\s\S])/g : /\\([\s\S])/g, "$1");
}
