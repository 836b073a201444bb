import type { CopyChange, FileChange } from "../../../llb/file-vertex.ts";
import { fileOutput } from "../../../llb/file-vertex.ts";
import { mergeOutput } from "../../../llb/merge-vertex.ts";
import { withChanges, type State } from "../../../llb/state.ts";
import type { Platform } from "../../../oci/platform.ts";
import { InstructionError } from "../dockerfile-error.ts";
import { absolutePath, isAbsolutePath, withoutDrive } from "../dockerfile-paths.ts";
import { isGitSource } from "../git-reference.ts";
import { contextPath } from "../frontend-source.ts";
import { quote } from "../go-text.ts";
import type { AddInstruction, CopyInstruction } from "../instruction.ts";
import { withPrefix } from "./conversion-error.ts";
import { instructionDetails, type Conversion } from "./conversion.ts";
import { convertSources, isWebSource } from "./copy-source.ts";
import { parseChmod } from "./file-mode.ts";
import { addHistory } from "./history.ts";
import { parseOwner } from "./owner.ts";
import type { Command, StageDraft } from "./stage-draft.ts";
import { countedName, numberedName, shownInstruction, type NamedStep } from "./step-name.ts";

/** ADD or COPY under conversion. */
export interface CopyStep {
  readonly instruction: AddInstruction | CopyInstruction;
  readonly stage: StageDraft;
  readonly conversion: Conversion;
  readonly platform: Platform;
  /** What paths are copied from; undefined for an empty tree. */
  readonly from: State["output"];
  /** True where that is the build context. */
  readonly isFromContext: boolean;
  /** As shown. */
  readonly name: string;
  /** What all copies of the instruction have in common. */
  readonly common: Pick<CopyChange, "dest" | "owner" | "mode" | "excludePatterns">;
}

export function convertCopy(instruction: AddInstruction | CopyInstruction, stage: StageDraft, command: Command, conversion: Conversion): void {
  const [source] = command.sources;
  if (source !== undefined && !source.isConverted) {
    const from = instruction.kind === "copy" ? instruction.from : "";
    throw new InstructionError(`cannot copy from stage ${quote(from)}, it needs to be defined before current stage ${quote(stage.shownName)}`);
  }
  const platform = stage.platform ?? conversion.targetPlatform;
  const common = commonOptions(instruction, stage, platform);
  checkChecksum(instruction);
  const { env } = stage.state;
  const named: NamedStep = { stage, isTrigger: command.isTrigger, platform, env };
  const shown = shownInstruction(instruction.original, env, conversion.wordRules);
  const name = countedName(shown, named, conversion);
  const from = source === undefined ? conversion.buildContext : source.state.output;
  const step: CopyStep = { instruction, stage, conversion, platform, from, isFromContext: source === undefined, name, common };
  applyChanges(convertSources(step), step, () => numberedName(`LINK ${shown}`, named, conversion));
  addHistory(stage.image, historyText(instruction), true, conversion.epochSeconds);
  markPaths(instruction, stage, source);
}

function commonOptions(instruction: AddInstruction | CopyInstruction, stage: StageDraft, platform: Platform): CopyStep["common"] {
  const dest = destination(instruction.dest, stage.state.dir, platform.os);
  const owner = instruction.chown === "" ? undefined : parseOwner(instruction.chown);
  return { dest, owner, mode: parseChmod(instruction.chmod), excludePatterns: instruction.exclude };
}

/** Throws DockerfilePathError. */
function destination(dest: string, directory: string, os: string): string {
  const driveless = withDrivePrefix(dest, os);
  if (isAbsolutePath(driveless, os)) return absolutePath("/", driveless, os, true);
  // The current directory, which need not be the root.
  return absolutePath(directory, driveless === "." || driveless === "" ? "./" : driveless, os, true);
}

function withDrivePrefix(dest: string, os: string): string {
  try {
    return withoutDrive(dest, os, true);
  } catch (error) {
    throw withPrefix(error, "removing drive letter");
  }
}

function checkChecksum(instruction: AddInstruction | CopyInstruction): void {
  if (instruction.kind !== "add" || instruction.checksum === "") return;
  const [source, ...more] = instruction.sources;
  if (source === undefined || more.length > 0) throw new InstructionError("checksum can't be specified for multiple sources");
  if (!isWebSource(source) && !isGitSource(source)) throw new InstructionError("checksum requires HTTP(S) or Git sources");
}

/** The changes made to the stage: in it, or beside it and linked, so that they do not depend on what was there. */
function applyChanges(changes: readonly FileChange[], step: CopyStep, linkName: () => string): void {
  const { instruction, stage, conversion, name } = step;
  const details = { ...instructionDetails(conversion, name, instruction.location), ignoreCache: stage.ignoresCache };
  if (!instruction.link || instruction.chmod !== "" || !conversion.capabilities.has("mergeop")) {
    stage.state = withChanges(stage.state, changes, details);
    return;
  }
  const group = { id: conversion.newGroupId(), name };
  const tree = fileOutput({ base: undefined, dir: "/", changes }, { ...details, progressGroup: { ...group, weak: true } });
  const linked = { ...details, description: { "llb.customname": linkName() }, progressGroup: { ...group, weak: false } };
  stage.state = { ...stage.state, output: mergeOutput([stage.state.output, tree], linked) };
}

function historyText(instruction: AddInstruction | CopyInstruction): string {
  const flags = [
    instruction.kind === "copy" && instruction.parents ? "--parents" : "",
    instruction.chown === "" ? "" : `--chown=${instruction.chown}`,
    instruction.chmod === "" ? "" : `--chmod=${instruction.chmod}`,
  ].filter((flag) => flag !== "");
  const contents = instruction.contents.map(({ path }) => `<<${path}`);
  return [instruction.kind.toUpperCase(), ...flags, ...instruction.sources, ...contents, instruction.dest, "# buildkit"].join(" ");
}

/** What is taken of the context or of a stage must be there when this runs. */
function markPaths({ kind, sources }: AddInstruction | CopyInstruction, stage: StageDraft, source: StageDraft | undefined): void {
  const local = kind === "add" ? sources.filter((path) => !/^https?:\/\//.test(path)) : sources;
  for (const path of local) (source?.paths ?? stage.contextPaths).add(contextPath(path));
}
