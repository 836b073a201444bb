import { InstructionError } from "./dockerfile-error.ts";
import { parseFlags } from "./flags.ts";
import { cut } from "./go-text.ts";
import { docComment, requireArguments, sourceOf } from "./instruction-source.ts";
import type { ArgInstruction, ArgPair, EnvInstruction, KeyValue, LabelInstruction } from "./instruction.ts";
import type { DockerfileNode } from "./node.ts";

export function parseEnv(node: DockerfileNode): EnvInstruction {
  return { ...sourceOf(node), kind: "env", env: keyValues(node, "ENV") };
}

export function parseLabel(node: DockerfileNode): LabelInstruction {
  return { ...sourceOf(node), kind: "label", labels: keyValues(node, "LABEL") };
}

/** ARG takes any flag without a word, as BuildKit does. */
export function parseArg(node: DockerfileNode): ArgInstruction {
  requireArguments(node.args, "ARG");
  return { ...sourceOf(node), kind: "arg", args: node.args.map((word) => argPair(word, node.comments)) };
}

function argPair(word: string, comments: readonly string[]): ArgPair {
  const { before: key, after, found } = cut(word, "=");
  if (found && key === "") throw blankName("ARG");
  return { key, value: found ? after : undefined, docComment: docComment(comments, key) };
}

function keyValues(node: DockerfileNode, instruction: string): readonly KeyValue[] {
  parseFlags(node.flags, {});
  requireArguments(node.args, instruction);
  const pairs: KeyValue[] = [];
  for (let at = 0; at < node.args.length; at += 3) {
    const key = node.args[at] ?? "";
    if (key === "") throw blankName(instruction);
    pairs.push({ key, value: node.args[at + 1] ?? "", noDelim: (node.args[at + 2] ?? "") === "" });
  }
  return pairs;
}

function blankName(instruction: string): InstructionError {
  return new InstructionError(`${instruction} names can not be blank`);
}
