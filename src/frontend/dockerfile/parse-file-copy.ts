import { InstructionError } from "./dockerfile-error.ts";
import { parseFlags } from "./flags.ts";
import { chompHeredoc, heredocOf } from "./heredoc.ts";
import { sourceOf } from "./instruction-source.ts";
import type { AddInstruction, CopyInstruction, SourceContent, SourcesAndDest } from "./instruction.ts";
import type { DockerfileNode } from "./node.ts";

export function parseAdd(node: DockerfileNode): AddInstruction {
  const dest = destination(node, "ADD");
  const flags = parseFlags(node.flags, {
    chown: "text", chmod: "text", link: "bool", "keep-git-dir": "bool", checksum: "text", unpack: "bool", exclude: "texts",
  });
  return {
    ...sourceOf(node),
    kind: "add",
    ...sourcesAndDest(node, dest, "ADD"),
    chown: flags.text("chown"),
    chmod: flags.text("chmod"),
    link: flags.bool("link") ?? false,
    exclude: flags.texts("exclude"),
    checksum: flags.text("checksum"),
    keepGitDir: flags.bool("keep-git-dir"),
    unpack: flags.bool("unpack"),
  };
}

export function parseCopy(node: DockerfileNode): CopyInstruction {
  const dest = destination(node, "COPY");
  const flags = parseFlags(node.flags, { chown: "text", from: "text", chmod: "text", link: "bool", exclude: "texts", parents: "bool" });
  return {
    ...sourceOf(node),
    kind: "copy",
    ...sourcesAndDest(node, dest, "COPY"),
    from: flags.text("from"),
    chown: flags.text("chown"),
    chmod: flags.text("chmod"),
    link: flags.bool("link") ?? false,
    parents: flags.bool("parents") ?? false,
    exclude: flags.texts("exclude"),
  };
}

function destination(node: DockerfileNode, instruction: string): string {
  const dest = node.args.at(-1);
  if (dest === undefined || node.args.length < 2) {
    throw new InstructionError(`${instruction} requires at least two arguments, but only one was provided. Destination could not be determined`);
  }
  return dest;
}

function sourcesAndDest(node: DockerfileNode, dest: string, instruction: string): SourcesAndDest {
  if (heredocOf(dest) !== undefined) throw new InstructionError(`${instruction} cannot accept a heredoc as a destination`);
  const bodies = new Map(node.heredocs.map((heredoc) => [heredoc.name, heredoc.content]));
  const sources: string[] = [];
  const contents: SourceContent[] = [];
  for (const source of node.args.slice(0, -1)) {
    const heredoc = heredocOf(source);
    if (heredoc === undefined) {
      sources.push(source);
      continue;
    }
    const body = bodies.get(heredoc.name) ?? "";
    contents.push({ path: heredoc.name, data: heredoc.chomp ? chompHeredoc(body) : body, expand: heredoc.expand });
  }
  return { dest, sources, contents };
}
