import { cut, toLower, toUpper } from "./go-text.ts";
import type { Instruction } from "./instruction.ts";
import type { DockerfileNode } from "./node.ts";
import type { From } from "./parse-from.ts";
import type { Finding } from "./parsed.ts";
import { lineRanges } from "./source-range.ts";

/** The findings that one instruction shows by itself, in BuildKit's order. They are found even where the instruction is faulty. */
export function nodeFindings(node: DockerfileNode): readonly Finding[] {
  const word = toLower(node.word);
  if (word === "maintainer") return [maintainerDeprecated(node)];
  if (word !== "from") return [];
  const [, as = "", name = ""] = node.args;
  const findings: Finding[] = [];
  if (node.args.length === 3 && name !== toLower(name)) {
    findings.push(finding(node, "StageNameCasing", "stage-name-casing", `Stage name '${name}' should be lowercase`));
  }
  if (node.args.length >= 3 && !sameCase(node.word, as)) {
    findings.push(finding(node, "FromAsCasing", "from-as-casing", `'${as}' and '${node.word}' keywords' casing do not match`));
  }
  return findings;
}

/** The finding that a FROM or an ARG shows once it is read: a comment above that does not begin with what it would describe. */
export function definitionFindings(node: DockerfileNode, instruction: Instruction | From): readonly Finding[] {
  const comment = node.comments.at(-1);
  const names = definedNames(instruction);
  const [example] = names;
  if (comment === undefined || example === undefined || names.includes(cut(comment, " ").before)) return [];
  const form = `# ${names.length > 1 ? "<arg_key>" : example} <description>`;
  return [finding(node, "InvalidDefinitionDescription", "invalid-definition-description", `Comment for ${instruction.kind.toUpperCase()} should follow the format: \`${form}\``)];
}

function definedNames(instruction: Instruction | From): readonly string[] {
  if (instruction.kind === "arg") return instruction.args.map(({ key }) => key);
  return instruction.kind === "from" && instruction.stageName !== "" ? [instruction.stageName] : [];
}

function maintainerDeprecated(node: DockerfileNode): Finding {
  return finding(node, "MaintainerDeprecated", "maintainer-deprecated", "Maintainer instruction is deprecated in favor of using label");
}

/** A word of mixed case is another rule's matter. */
function sameCase(from: string, as: string): boolean {
  if (from === toLower(from)) return as === toLower(as);
  return from !== toUpper(from) || as === toUpper(as);
}

function finding(node: DockerfileNode, rule: string, page: string, message: string): Finding {
  const url = `https://docs.docker.com/go/dockerfile/rule/${page}/`;
  return { rule, message, url, location: lineRanges(node.firstLine, node.lastLine), comments: node.comments };
}
