import { DockerfileError } from "../dockerfile-error.ts";
import type { CopyInstruction, Instruction, RunInstruction } from "../instruction.ts";
import { processWord, ShellWordError } from "../shell-lex.ts";
import type { Range } from "../source-range.ts";
import { parseTrigger } from "../stages.ts";
import { ConversionError, withLocation } from "./conversion-error.ts";
import type { Conversion } from "./conversion.ts";
import { StageDraft, type Command, type StageTable } from "./stage-draft.ts";

const NO_VARIABLES: ReadonlyMap<string, string> = new Map();

/** Finds what the instructions of all stages take files from. Throws ConversionError, also for stages that need each other. */
export function linkStages(conversion: Conversion, declared: ReadonlyMap<StageDraft, readonly Instruction[]>): void {
  const { stages } = conversion;
  for (const [stage, instructions] of declared) stage.commands = instructions.map((instruction) => linkInstruction(instruction, stage, conversion, false));
  checkCycles(stages.all);
  // With one stage only there is nothing to tell apart.
  const [first, ...more] = stages.all;
  if (first !== undefined && more.length === 0) first.shownName = "";
}

/** Puts the base image's triggers before the stage's own instructions. Returns true where they may need more stages. */
export function addTriggers(expressions: readonly string[], stage: StageDraft, conversion: Conversion): boolean {
  const { location } = stage.declaration;
  try {
    const commands = expressions.map((expression) => linkInstruction(parseTrigger(expression, location), stage, conversion, true));
    stage.commands = [...commands, ...stage.commands];
    stage.stepTotal += commands.length;
    return commands.some(({ sources }) => sources.length > 0);
  } catch (error) {
    if (error instanceof DockerfileError) throw new ConversionError(error.message, [location], error);
    throw withLocation(error, location);
  }
}

function linkInstruction(instruction: Instruction, stage: StageDraft, conversion: Conversion, isTrigger: boolean): Command {
  const sources = sourcesOf(instruction, conversion);
  for (const source of sources) {
    stage.dependencies.set(source, instruction);
    if (source.isImplicit) conversion.stages.add(source);
  }
  return { instruction, sources, isTrigger };
}

function sourcesOf(instruction: Instruction, conversion: Conversion): readonly StageDraft[] {
  if (instruction.kind === "copy" && instruction.from !== "") return [copySource(instruction, conversion)];
  return instruction.kind === "run" ? mountSources(instruction, conversion.stages) : [];
}

function copySource({ from, location }: CopyInstruction, { stages, wordRules }: Conversion): StageDraft {
  if (expanded(from, wordRules) !== from) {
    throw new ConversionError("variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround");
  }
  if (!/^[+-]?[0-9]+$/.test(from)) return stages.named(from) ?? implicitStage(from, location);
  const stage = from.startsWith("-") ? undefined : stages.all[Number(from)];
  if (stage === undefined) throw new ConversionError(`invalid stage index ${Number(from)}`);
  return stage;
}

/** Its fault has no place, as in BuildKit. */
function expanded(word: string, rules: Conversion["wordRules"]): string {
  try {
    return processWord(word, NO_VARIABLES, rules).result;
  } catch (error) {
    if (error instanceof ShellWordError) throw new ConversionError(error.message, [], error);
    throw error;
  }
}

/** One for each mount, whether it needs one or not: its type may hang on variables. */
function mountSources({ mounts }: RunInstruction, stages: StageTable): readonly StageDraft[] {
  return mounts.map(({ from }) => {
    const name = from === "" ? "scratch" : from;
    return stages.named(name) ?? implicitStage(name, []);
  });
}

function implicitStage(baseName: string, location: readonly Range[]): StageDraft {
  return new StageDraft({ stageName: "", original: "", location, comments: [] }, baseName, true);
}

function checkCycles(stages: readonly StageDraft[]): void {
  const visited = new Set<StageDraft>();
  for (const stage of stages) {
    const path = findCycle(stage, visited, new Set());
    if (path === undefined) continue;
    throw new ConversionError(`circular dependency detected on stage: ${stage.shownName}`, path.map(({ location }) => location));
  }
}

/** The instructions on the way round, if there is one. */
function findCycle(stage: StageDraft, visited: Set<StageDraft>, path: Set<StageDraft>): readonly Instruction[] | undefined {
  if (visited.has(stage)) return undefined;
  visited.add(stage);
  path.add(stage);
  for (const [source, instruction] of stage.dependencies) {
    if (path.has(source)) return [instruction];
    const rest = findCycle(source, visited, path);
    if (rest !== undefined) return [instruction, ...rest];
  }
  path.delete(stage);
  return undefined;
}
