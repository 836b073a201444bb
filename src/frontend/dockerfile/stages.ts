import { DockerfileError, InstructionError } from "./dockerfile-error.ts";
import type { ArgInstruction, Instruction, Stage } from "./instruction.ts";
import { definitionFindings, nodeFindings } from "./node-findings.ts";
import type { DockerfileNode } from "./node.ts";
import type { From } from "./parse-from.ts";
import { parseInstruction } from "./parse-instruction.ts";
import { parseLines } from "./parse.ts";
import type { Parsed, Warn } from "./parsed.ts";
import { lineRanges, type Range } from "./source-range.ts";
import { encodeSource } from "./source-text.ts";

/** A whole Dockerfile, typed. Throws DockerfileError with the first fatal fault. */
export function parseDockerfile(bytes: Uint8Array, warn?: Warn): Parsed {
  const { nodes, escape, directives, findings } = parseLines(bytes);
  if (warn !== undefined) findings.forEach(warn);
  const globalArgs: ArgInstruction[] = [];
  const stages: { readonly from: From; readonly commands: Instruction[] }[] = [];
  for (const node of nodes) {
    if (warn !== undefined) nodeFindings(node).forEach(warn);
    const instruction = placed(node, `dockerfile parse error on line ${node.firstLine}: `);
    if (warn !== undefined) definitionFindings(node, instruction).forEach(warn);
    const stage = stages.at(-1);
    if (instruction.kind === "from") stages.push({ from: instruction, commands: [] });
    else if (stage !== undefined) stage.commands.push(instruction);
    else if (instruction.kind === "arg") globalArgs.push(instruction);
    else throw new DockerfileError("no-stage", "no build stage in current context", [instruction.location]);
  }
  return { globalArgs, stages: stages.map(({ from, commands }): Stage => ({ ...from, commands })), escape, directives };
}

/** The one instruction that an image's ONBUILD trigger holds. It and its faults stand at `location`, the FROM line. */
export function parseTrigger(expression: string, location: readonly Range[]): Instruction {
  try {
    const [node, ...more] = parseLines(encodeSource(expression)).nodes;
    if (node === undefined || more.length > 0) throw new InstructionError("onbuild trigger should be a single expression");
    const instruction = parseInstruction(node);
    if (instruction.kind === "from") throw new InstructionError("*instructions.Stage is not a command type");
    return { ...instruction, location };
  } catch (error) {
    if (error instanceof DockerfileError || error instanceof InstructionError) throw new DockerfileError(error.code, error.message, [location]);
    throw error;
  }
}

function placed(node: DockerfileNode, prefix: string): Instruction | From {
  try {
    return parseInstruction(node);
  } catch (error) {
    if (!(error instanceof InstructionError)) throw error;
    throw new DockerfileError(error.code, prefix + error.message, [lineRanges(node.firstLine, node.lastLine)]);
  }
}
