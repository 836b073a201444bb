import { parseFile } from "./read-file.ts";
import type { ScanTree } from "./scan-tree.ts";

/** The first that is there counts (os-release(5)). */
const PATHS = ["etc/os-release", "usr/lib/os-release"];

/** What a system says of itself. */
export interface OsRelease {
  /** Of the file that says it, links followed. */
  readonly path: string;
  /** By key, unquoted. */
  readonly values: ReadonlyMap<string, string>;
}

/** Undefined for a tree that is no system. */
export async function readOsRelease(tree: ScanTree, warn: (message: string) => void, signal: AbortSignal): Promise<OsRelease | undefined> {
  const file = PATHS.map((path) => tree.resolve(path)).find((found) => found !== undefined);
  if (file === undefined) return undefined;
  const values = await parseFile(file, (bytes) => parseOsRelease(bytes.toString("utf8")), { warn }, signal);
  return values === undefined ? undefined : { path: file.path, values };
}

/** Assignments as a shell reads them (os-release(5)): quotes of both kinds, and backslashes. Of a key that comes twice the last counts. */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const assignments = text.split(/\r?\n/).map((line) => /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line));
  return new Map(assignments.flatMap((match) => (match === null ? [] : [[match[1] ?? "", unquote(match[2]?.trim() ?? "")] as const])));
}

/** The first word of the text, as sh(1) would take it. */
function unquote(text: string): string {
  const [word = ""] = /^(?:'[^']*'?|"(?:[^"\\]|\\[^])*"?|\\[^]|[^\s'"\\])*/.exec(text) ?? [];
  return word.replaceAll(/'([^']*)'?|"((?:[^"\\]|\\[^])*)"?|\\([^])/g, (_part, single?: string, double?: string, escaped?: string) =>
    single ?? double?.replaceAll(/\\([$"\\`])/g, "$1") ?? escaped ?? "");
}

/** The value of a key that is there and not empty. */
export function osValue(osRelease: ReadonlyMap<string, string> | undefined, key: string): string | undefined {
  const value = osRelease?.get(key);
  return value === "" ? undefined : value;
}
