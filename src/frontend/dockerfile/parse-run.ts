import { InstructionError } from "./dockerfile-error.ts";
import { parseFlags } from "./flags.ts";
import { quote } from "./go-text.ts";
import { shellDependentCommand, sourceOf } from "./instruction-source.ts";
import type { RunInstruction } from "./instruction.ts";
import type { DockerfileNode } from "./node.ts";
import { parseRunDevice } from "./run-device.ts";
import { previewRunMount } from "./run-mount.ts";

export function parseRun(node: DockerfileNode): RunInstruction {
  const flags = parseFlags(node.flags, { device: "texts", mount: "texts", network: "text", security: "text" });
  const devices = flags.texts("device").map(parseRunDevice);
  const mountFlags = flags.texts("mount");
  const mounts = mountFlags.map(previewRunMount);
  return {
    ...sourceOf(node),
    kind: "run",
    ...shellDependentCommand(node),
    mountFlags,
    mounts,
    network: network(flags.texts("network")[0] ?? "default"),
    security: security(flags.texts("security")[0] ?? "sandbox"),
    devices,
    flagsUsed: flags.used,
  };
}

function network(value: string): RunInstruction["network"] {
  if (value === "default" || value === "none" || value === "host") return value;
  throw new InstructionError(`invalid network mode ${quote(value)}`);
}

function security(value: string): RunInstruction["security"] {
  if (value === "sandbox" || value === "insecure") return value;
  throw new InstructionError(`security ${quote(value)} is not valid`);
}
