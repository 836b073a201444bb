import type { ExecMount } from "../../../llb/exec-vertex.ts";
import { fileOutput } from "../../../llb/file-vertex.ts";
import type { Output } from "../../../llb/vertex.ts";
import { InstructionError } from "../dockerfile-error.ts";
import { joinPath } from "../dockerfile-paths.ts";
import { trimSpace } from "../go-text.ts";
import { chompHeredoc, heredocOf } from "../heredoc.ts";
import type { InlineFile, RunInstruction } from "../instruction.ts";
import { encodeSource } from "../source-text.ts";
import { plainList } from "./history.ts";
import { withShell } from "./shell-form.ts";
import type { StageDraft } from "./stage-draft.ts";

/** The process of a RUN. */
export interface RunCommand {
  readonly args: readonly string[];
  /** The instruction as it is to be shown. */
  readonly shown: string;
  /** A script that stands in the Dockerfile. */
  readonly mounts: readonly ExecMount[];
}

/** Where scripts of heredocs are mounted. */
const SCRIPTS = "/dev/pipes/";
const SCRIPT_MODE = 0o755;
export const INLINE_NAME = "[internal] preparing inline document";

/** Throws InstructionError. */
export function runCommand(instruction: RunInstruction, stage: StageDraft): RunCommand {
  const { cmdLine, files, prependShell, original } = instruction;
  const [first] = files;
  const shell = (words: readonly string[]): readonly string[] => (prependShell ? withShell(stage.image, words) : words);
  if (first === undefined) return { args: shell(cmdLine), shown: original, mounts: [] };
  const [line, ...more] = cmdLine;
  if (line === undefined || more.length > 0 || !prependShell) throw new InstructionError(`parsing produced an invalid run command: ${plainList(cmdLine)}`);
  if (heredocOf(line) === undefined) return { args: shell([withBodies(line, files)]), shown: original, mounts: [] };
  const script = first.chomp ? chompHeredoc(first.data) : first.data;
  const shown = `${original} (${summary(first.data)})`;
  if (stage.image.platform.os === "windows" || !script.startsWith("#!")) return { args: shell([script]), shown, mounts: [] };
  return { args: shell([joinPath(SCRIPTS, first.name)]), shown, mounts: [scriptMount(first.name, script)] };
}

/** The line with its heredocs as they were, for a shell that knows them. */
function withBodies(line: string, files: readonly InlineFile[]): string {
  return line + files.map(({ data, name }) => `\n${data}${name}`).join("");
}

function summary(document: string): string {
  const [line = "", ...more] = trimSpace(document).replaceAll("\r\n", "\n").split("\n");
  return more.length > 0 ? `${line}...` : line;
}

function scriptMount(name: string, script: string): ExecMount {
  const source = inlineFile(name, encodeSource(script), SCRIPT_MODE);
  return { target: SCRIPTS, source, selector: "/", use: { kind: "bind", readonly: true, hasOutput: false } };
}

/** A tree of one file whose content stands in the Dockerfile. */
export function inlineFile(path: string, data: Uint8Array, mode: number): Output {
  const change = { kind: "mkfile", path, mode, data } as const;
  return fileOutput({ base: undefined, dir: "/", changes: [change] }, { description: { "llb.customname": INLINE_NAME } });
}
