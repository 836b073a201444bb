import { InstructionError } from "./dockerfile-error.ts";
import { parseFlags } from "./flags.ts";
import { toLower, trimSpace } from "./go-text.ts";
import { commandLine, requireArguments, requireOneArgument, shellDependentCommand, sourceOf } from "./instruction-source.ts";
import type { ExposeInstruction, Instruction, ShellInstruction, VolumeInstruction } from "./instruction.ts";
import type { DockerfileNode } from "./node.ts";
import { parseAdd, parseCopy } from "./parse-file-copy.ts";
import { parseFrom, type From } from "./parse-from.ts";
import { parseHealthcheck } from "./parse-healthcheck.ts";
import { parseArg, parseEnv, parseLabel } from "./parse-key-values.ts";
import { parseOnbuild } from "./parse-onbuild.ts";
import { parseRun } from "./parse-run.ts";
import { encodeSource } from "./source-text.ts";
import { withSuggestion } from "./suggestion.ts";

const PARSERS: Readonly<Record<string, (node: DockerfileNode) => Instruction | From>> = {
  add: parseAdd,
  arg: parseArg,
  cmd: (node) => ({ ...sourceWithoutFlags(node), kind: "cmd", ...shellDependentCommand(node) }),
  copy: parseCopy,
  entrypoint: (node) => ({ ...sourceWithoutFlags(node), kind: "entrypoint", ...shellDependentCommand(node) }),
  env: parseEnv,
  expose: parseExpose,
  from: parseFrom,
  healthcheck: parseHealthcheck,
  label: parseLabel,
  maintainer: (node) => ({ kind: "maintainer", maintainer: requireOneArgument(node, "MAINTAINER"), ...sourceWithoutFlags(node) }),
  onbuild: parseOnbuild,
  run: parseRun,
  shell: parseShell,
  // STOPSIGNAL takes any flag without a word, as BuildKit does.
  stopsignal: (node) => ({ kind: "stopsignal", signal: requireOneArgument(node, "STOPSIGNAL"), ...sourceOf(node) }),
  user: (node) => ({ kind: "user", user: requireOneArgument(node, "USER"), ...sourceWithoutFlags(node) }),
  volume: parseVolume,
  workdir: (node) => ({ kind: "workdir", path: requireOneArgument(node, "WORKDIR"), ...sourceWithoutFlags(node) }),
};

/** What a node says, typed. Throws InstructionError, without a place. */
export function parseInstruction(node: DockerfileNode): Instruction | From {
  const word = toLower(node.word);
  const parse = Object.hasOwn(PARSERS, word) ? PARSERS[word] : undefined;
  if (parse !== undefined) return parse(node);
  const names = Object.keys(PARSERS).map((name) => name.toUpperCase());
  throw new InstructionError(withSuggestion(`unknown instruction: ${node.word}`, node.word, names, false), "unknown-instruction");
}

function sourceWithoutFlags(node: DockerfileNode): ReturnType<typeof sourceOf> {
  parseFlags(node.flags, {});
  return sourceOf(node);
}

function parseExpose(node: DockerfileNode): ExposeInstruction {
  requireArguments(node.args, "EXPOSE");
  const ports = node.args.toSorted((left, right) => Buffer.compare(encodeSource(left), encodeSource(right)));
  return { ...sourceWithoutFlags(node), kind: "expose", ports };
}

function parseVolume(node: DockerfileNode): VolumeInstruction {
  requireArguments(node.args, "VOLUME");
  const source = sourceWithoutFlags(node);
  const volumes = node.args.map(trimSpace);
  if (volumes.includes("")) throw new InstructionError("VOLUME specified can not be an empty string");
  return { ...source, kind: "volume", volumes };
}

function parseShell(node: DockerfileNode): ShellInstruction {
  const source = sourceWithoutFlags(node);
  const shell = commandLine(node.args, node.json);
  requireArguments(shell, "SHELL");
  if (!node.json) throw new InstructionError("SHELL requires the arguments to be in JSON form");
  return { ...source, kind: "shell", shell };
}
