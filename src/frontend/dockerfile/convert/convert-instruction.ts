import { expandContents, expandInstruction } from "../expand-instruction.ts";
import type { Instruction } from "../instruction.ts";
import type { WordRules } from "../shell-lex.ts";
import type { Conversion } from "./conversion.ts";
import { convertCopy } from "./copy.ts";
import { convertExpose } from "./expose.ts";
import { expandedSource } from "./history.ts";
import { convertRun } from "./run.ts";
import {
  convertCmd, convertEntrypoint, convertHealthcheck, convertMaintainer, convertOnbuild, convertShell, convertStopsignal, convertUser, convertVolume,
} from "./settings.ts";
import type { Command, StageDraft } from "./stage-draft.ts";
import { convertArg, convertEnv, convertLabel } from "./variables.ts";
import { expanderFor } from "./words.ts";
import { convertWorkdir } from "./workdir.ts";

/** Heredocs are read with `\` whatever the `# escape=` directive says, and quotes in them are text. */
const CONTENT_RULES: WordRules = { escape: "\\", skipProcessQuotes: true };

/** Lets one instruction take effect on its stage. Throws failures without a location. */
export function convertInstruction(command: Command, stage: StageDraft, conversion: Conversion): void {
  const { instruction } = command;
  const before = stage.image.history.length;
  const expand = expanderFor(instruction, stage, conversion, conversion.wordRules);
  // The default of an ARG may go unused, and then its faults do not matter.
  if (instruction.kind === "arg") convertArg(instruction, stage, conversion, expand);
  else applyInstruction(expandInstruction(instruction, expand), stage, command, conversion);
  const { location } = instruction;
  const source = expandedSource(instruction);
  const added = stage.image.history.splice(before);
  stage.image.history.push(...added.map((entry) => ({ ...entry, origin: entry.origin && { ...entry.origin, withoutArgs: source ?? entry.origin.withoutArgs, location } })));
}

function applyInstruction(instruction: Exclude<Instruction, { kind: "arg" }>, stage: StageDraft, command: Command, conversion: Conversion): void {
  switch (instruction.kind) {
    case "add":
    case "copy": {
      const contents = expandContents(instruction.contents, expanderFor(instruction, stage, conversion, CONTENT_RULES));
      return convertCopy({ ...instruction, contents }, stage, command, conversion);
    }
    case "run":
      return convertRun(instruction, stage, command, conversion);
    case "workdir":
      return convertWorkdir(instruction, stage, command, conversion);
    case "env":
      return convertEnv(instruction, stage, conversion);
    case "label":
      return convertLabel(instruction, stage, conversion);
    case "expose":
      return convertExpose(instruction, stage, conversion);
    case "cmd":
      return convertCmd(instruction, stage, conversion);
    case "entrypoint":
      return convertEntrypoint(instruction, stage, conversion);
    case "healthcheck":
      return convertHealthcheck(instruction, stage, conversion);
    case "user":
      return convertUser(instruction, stage, conversion);
    case "volume":
      return convertVolume(instruction, stage, conversion);
    case "stopsignal":
      return convertStopsignal(instruction, stage, conversion);
    case "shell":
      return convertShell(instruction, stage, conversion);
    case "maintainer":
      return convertMaintainer(instruction, stage, conversion);
    case "onbuild":
      return convertOnbuild(instruction, stage);
  }
}
