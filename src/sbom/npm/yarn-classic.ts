import { linesOf } from "../parse-text.ts";
import { DamagedFileError } from "../read-file.ts";

/** An entry of a lock file of Yarn 1: one version, and the requests (`name@range`) that it meets. */
export interface YarnClassicEntry {
  readonly requests: readonly string[];
  readonly fields: ReadonlyMap<string, string>;
  /** `name@range` of what it needs. */
  readonly dependencies: readonly string[];
  readonly optionalDependencies: readonly string[];
}

const HEADER = "# yarn lockfile v1";
const WORD = /"(?:[^"\\]|\\.)*"|[^\s",]+/g;

export function parseYarnClassic(bytes: Uint8Array): YarnClassicEntry[] {
  const lines = linesOf(bytes);
  if (!lines.slice(0, 10).includes(HEADER)) throw new DamagedFileError("no lock file of Yarn that is known: it has neither the header of version 1 nor __metadata");
  const entries: DraftEntry[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    if (!addLine(entries, line)) throw new DamagedFileError(`line ${index + 1} is none of a lock file of Yarn 1`);
  }
  return entries;
}

interface DraftEntry extends YarnClassicEntry {
  readonly fields: Map<string, string>;
  readonly dependencies: string[];
  readonly optionalDependencies: string[];
  section: string | undefined;
}

/** False for a line that cannot stand there. */
function addLine(entries: DraftEntry[], line: string): boolean {
  const [, indent = "", content = "", colon] = /^( *)(.*?)(:?)$/.exec(line) ?? [];
  const words = (content.match(WORD) ?? []).map(unquote);
  if (indent.length === 0 && colon !== "") {
    entries.push({ requests: words, fields: new Map(), dependencies: [], optionalDependencies: [], section: undefined });
    return words.length > 0;
  }
  const entry = entries.at(-1);
  const [key, value] = words;
  if (entry === undefined || key === undefined) return false;
  if (indent.length === 2) {
    entry.section = colon === "" ? undefined : key;
    if (value !== undefined) entry.fields.set(key, value);
    return colon !== "" || value !== undefined;
  }
  if (indent.length !== 4 || value === undefined || entry.section === undefined) return false;
  if (entry.section === "dependencies") entry.dependencies.push(`${key}@${value}`);
  if (entry.section === "optionalDependencies") entry.optionalDependencies.push(`${key}@${value}`);
  return true;
}

function unquote(word: string): string {
  return word.startsWith('"') ? word.slice(1, -1).replaceAll(/\\(.)/g, "$1") : word;
}
