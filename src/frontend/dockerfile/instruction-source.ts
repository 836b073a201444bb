import { trimSpace } from "./go-text.ts";
import { InstructionError } from "./dockerfile-error.ts";
import type { InstructionSource, ShellDependentCommand } from "./instruction.ts";
import type { DockerfileNode } from "./node.ts";
import { lineRanges } from "./source-range.ts";

/** What an instruction keeps of its node. */
export function sourceOf(node: DockerfileNode): InstructionSource {
  return { name: node.word, original: trimSpace(node.original), location: lineRanges(node.firstLine, node.lastLine), comments: node.comments };
}

/** The node's arguments; for ONBUILD, those of what it holds behind the word of that. */
export function argsOf(node: DockerfileNode): readonly string[] {
  const words: string[] = [];
  let inner = node;
  for (let child = inner.child; child !== undefined; child = child.child) {
    words.push(child.word);
    inner = child;
  }
  return [...words, ...inner.args];
}

/** JSON arguments as they are, others as one text; nothing stays nothing. */
export function commandLine(args: readonly string[], json: boolean): readonly string[] {
  return json || args.length === 0 ? args : [args.join(" ")];
}

export function shellDependentCommand(node: DockerfileNode): ShellDependentCommand {
  return {
    cmdLine: commandLine(node.args, node.json),
    files: node.heredocs.map(({ name, content, chomp }) => ({ name, data: content, chomp })),
    prependShell: !node.json,
  };
}

export function requireOneArgument(node: DockerfileNode, instruction: string): string {
  const [argument] = node.args;
  if (argument === undefined || node.args.length > 1) throw new InstructionError(`${instruction} requires exactly one argument`);
  return argument;
}

export function requireArguments(args: readonly string[], instruction: string): void {
  if (args.length === 0) throw new InstructionError(`${instruction} requires at least one argument`);
}

/** The comment above that begins with `name`, without it. */
export function docComment(comments: readonly string[], name: string): string {
  const comment = name === "" ? undefined : comments.find((line) => line.startsWith(`${name} `));
  return comment?.slice(name.length + 1) ?? "";
}
