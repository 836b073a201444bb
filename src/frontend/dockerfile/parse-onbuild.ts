import { InstructionError } from "./dockerfile-error.ts";
import { parseFlags } from "./flags.ts";
import { toUpper, trimSpace } from "./go-text.ts";
import { argsOf, requireArguments, sourceOf } from "./instruction-source.ts";
import type { OnbuildInstruction } from "./instruction.ts";
import type { DockerfileNode } from "./node.ts";

const ONBUILD = /^[\t\n\f\r ]*ONBUILD[\t\n\f\r ]*/i;

export function parseOnbuild(node: DockerfileNode): OnbuildInstruction {
  const args = argsOf(node);
  requireArguments(args, "ONBUILD");
  parseFlags(node.flags, {});
  const trigger = toUpper(trimSpace(args[0] ?? ""));
  if (trigger === "ONBUILD") throw new InstructionError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (trigger === "MAINTAINER" || trigger === "FROM") throw new InstructionError(`${trigger} isn't allowed as an ONBUILD trigger`);
  const bodies = node.heredocs.map((heredoc) => `\n${heredoc.content}${heredoc.name}`);
  return { ...sourceOf(node), kind: "onbuild", expression: node.original.replace(ONBUILD, "") + bodies.join("") };
}
