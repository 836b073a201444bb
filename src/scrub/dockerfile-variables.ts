/** Told of each literal in ARG and ENV; what it returns takes the literal's place, undefined leaves it. Lines count from 1. */
export type OnVariable = (name: string, value: string, line: number) => string | undefined;

const INSTRUCTION = /^[ \t]*(?:ONBUILD[ \t]+)?(ARG|ENV)[ \t]+/i;
const ESCAPE_DIRECTIVE = /^#[ \t]*escape[ \t]*=[ \t]*`[ \t]*$/im;
const COMMENT = /^[ \t]*#/;

/**
 * Calls `onVariable` for each `NAME=value` of a Dockerfile's ARG and ENV instructions, and for the older
 * `ENV NAME value`, and puts in what it returns. The text keeps its quotation marks and its number of lines.
 */
export function redactVariablesIn(text: string, onVariable: OnVariable): string {
  const escape = ESCAPE_DIRECTIVE.test(text.slice(0, firstInstructionAt(text))) ? "`" : "\\";
  const lines = text.split("\n");
  const out: string[] = [];
  for (let start = 0; start < lines.length; ) {
    const end = instructionEnd(lines, start, escape);
    const instruction = lines.slice(start, end).join("\n");
    const keyword = INSTRUCTION.exec(instruction);
    const head = keyword?.[0] ?? "";
    const rest = instruction.slice(head.length);
    out.push(keyword === null ? instruction : head + redactWords(rest, { keyword: keyword[1] ?? "", escape, line: start + 1, onVariable }));
    start = end;
  }
  return out.join("\n");
}

interface Instruction {
  readonly keyword: string;
  readonly escape: string;
  readonly line: number;
  readonly onVariable: OnVariable;
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

function redactWords(words: string, instruction: Instruction): string {
  const older = /^([A-Za-z_]\w*)([ \t]+)([\s\S]+)$/.exec(words);
  if (instruction.keyword.toUpperCase() === "ENV" && older?.[3] !== undefined && !older[3].startsWith("=")) {
    const [, name = "", space = "", value] = older;
    return name + space + replaced(value, name, instruction.line, instruction);
  }
  const escaped = instruction.escape === "`" ? "`" : String.raw`\\`;
  const value = `(?:"(?:${escaped}[\\s\\S]|[^"${escaped}])*"|'[^']*'|${escaped}[^\\s]|[^\\s"'${escaped}])*`;
  return words.replace(new RegExp(`(?<![^\\s])([A-Za-z_]\\w*)=(${value})`, "g"), (_whole, name: string, raw: string, at: number) => {
    const line = instruction.line + (words.slice(0, at).match(/\n/g)?.length ?? 0);
    return `${name}=${replaced(raw, name, line, instruction)}`;
  });
}

function replaced(raw: string, name: string, line: number, { escape, onVariable }: Instruction): string {
  const quote = /^(["'])[\s\S]*\1$/.exec(raw)?.[1] ?? "";
  const value = raw.slice(quote.length, raw.length - quote.length).trimEnd();
  const replacement = onVariable(name, value, line);
  if (replacement === undefined) return raw;
  // A value over several lines keeps them, so that later instructions keep their line numbers.
  const continuations = raw.match(/\n/g)?.length ?? 0;
  return quote + replacement + `${escape}\n`.repeat(continuations) + quote;
}
