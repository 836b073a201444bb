import { InstructionError } from "./dockerfile-error.ts";
import { parseFlags } from "./flags.ts";
import { quote, toLower, toUpper } from "./go-text.ts";
import { docComment, sourceOf } from "./instruction-source.ts";
import type { Stage } from "./instruction.ts";
import type { DockerfileNode } from "./node.ts";

/** A FROM line; the instructions of its stage are not known yet. */
export type From = Omit<Stage, "commands">;

const STAGE_NAME = /^[a-z][a-z0-9\-_.]*$/;

export function parseFrom(node: DockerfileNode): From {
  const stageName = stageNameOf(node.args);
  const flags = parseFlags(node.flags, { platform: "text" });
  return {
    ...sourceOf(node),
    kind: "from",
    stageName,
    baseName: node.args[0] ?? "",
    platform: flags.text("platform"),
    docComment: docComment(node.comments, stageName),
  };
}

function stageNameOf(args: readonly string[]): string {
  const [, as = "", given = ""] = args;
  if (args.length === 3 && toUpper(as) === "AS") {
    const name = toLower(given);
    if (STAGE_NAME.test(name)) return name;
    throw new InstructionError(`invalid name for build stage: ${quote(given)}, name can't start with a number or contain symbols`);
  }
  if (args.length !== 1) throw new InstructionError("FROM requires either one or three arguments");
  return "";
}
