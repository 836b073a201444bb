import { existsSync, globSync } from "node:fs";
import { join } from "node:path";

const PATH = /`((?:src|tools|docs|test|bench|examples|bin)\/[^`\s]*)`/g;

/** Paths of ours that a document names in backticks and that are not there. A glob pattern must match something. */
export function missingPaths(root: string, document: string, text: string): readonly string[] {
  return text.split("\n").flatMap((line, index) =>
    [...line.matchAll(PATH)]
      .map(([, path = ""]) => path.replace(/:\d+(?:-\d+)?$/, ""))
      .filter((path) => !isThere(root, path))
      .map((path) => `${document}:${index + 1}: there is no ${path}`),
  );
}

function isThere(root: string, path: string): boolean {
  return /[*{?]/.test(path) ? globSync(path, { cwd: root }).length > 0 : existsSync(join(root, path));
}
