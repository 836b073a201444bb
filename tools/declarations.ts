import { globSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";

const IMPORT = /(\b(?:from|import)\s*\(?\s*")(\.[^"]+)\.ts(?=")/g;

/**
 * tsc writes the types of everything that the doors reach by any way. Users see what the doors' types name: the rest
 * is taken away. What stays names modules as users' compilers look for them. `doors` are paths below `directory`.
 */
export function pruneDeclarations(directory: string, doors: readonly string[]): void {
  const kept = reachable(directory, doors);
  for (const file of globSync("**/*.d.ts", { cwd: directory })) {
    const text = kept.get(file);
    if (text === undefined) rmSync(join(directory, file));
    else writeFileSync(join(directory, file), text.replace(IMPORT, "$1$2.js"));
  }
  // The deepest first: a folder may hold nothing but empty ones.
  const folders = globSync("**/", { cwd: directory }).toSorted((a, b) => b.length - a.length);
  for (const folder of folders) if (readdirSync(join(directory, folder)).length === 0) rmdirSync(join(directory, folder));
}

function reachable(directory: string, doors: readonly string[]): ReadonlyMap<string, string> {
  const kept = new Map<string, string>();
  const pending = [...doors];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (kept.has(file)) continue;
    const text = readFileSync(join(directory, file), "utf8");
    kept.set(file, text);
    for (const [, , target = ""] of text.matchAll(IMPORT)) pending.push(`${join(dirname(file), target)}.d.ts`);
  }
  return kept;
}
