import type { ParsedLines } from "./parse.ts";

/**
 * A Dockerfile that parses to the same nodes: continuations joined, comments where they count, heredocs as they stand.
 * Only the numbers of the lines differ.
 */
export function printNodes({ nodes, directives, escape }: Pick<ParsedLines, "nodes" | "directives" | "escape">): string {
  const head = directives.map(({ name, value }) => `# ${name}=${value}\n`);
  const body = nodes.map(({ original, heredocs, comments }) => {
    const bodies = heredocs.map(({ name, content }) => `${content}${name}\n`);
    return `${comments.map((comment) => `# ${comment}\n`).join("")}${original}${endsOpen(original, escape) ? escape : ""}\n${bodies.join("")}`;
  });
  // A blank line ends the directives, so that no comment is taken for one.
  return [...head, "\n", ...body].join("");
}

/** True for a line that the end of the file cut short: without the escape that stood there, an earlier one would continue it. */
function endsOpen(line: string, escape: string): boolean {
  const visible = line.replace(/[ \t]+$/, "");
  return visible.endsWith(escape) && visible.at(-2) !== escape;
}
