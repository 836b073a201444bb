import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mayNotWrite } from "./may-not-write.ts";

const FOLDER = "walks";
/** Fewer names are looked at sooner than a thread has started. */
export const SCOUTED_NAMES_MIN = 2000;
const KEPT_MAX = 64;

/** What a walk of a directory looked at. */
export interface Walked {
  /** What was asked for: the same text for the same. */
  readonly selection: string;
  /** Each directory that was listed, or in which a path was looked up: paths in the walked one, "" for itself. */
  readonly directories: readonly string[];
  readonly nameCount: number;
}

/** Where a state root keeps what the last large walk of a directory (absolute, without links) looked at. */
export function scoutMemory(stateRoot: string, directory: string): string {
  return join(stateRoot, FOLDER, `${createHash("sha256").update(directory).digest("hex").slice(0, 32)}.json`);
}

/** What is kept of a walk: the same for walks that were asked for the same and looked at the same directories. */
export function walkText({ selection, directories }: KeptWalk): string {
  return JSON.stringify({ selection, directories } satisfies KeptWalk);
}

export type KeptWalk = Pick<Walked, "selection" | "directories">;

export function parseWalk(text: string): KeptWalk {
  // Written by walkText.
  return JSON.parse(text) as KeptWalk;
}

/** The walk that is kept of a directory (absolute, without links), as text. Of a root in which nothing can be read, whoever opens it tells. */
export function rememberedWalk(stateRoot: string, directory: string): string | undefined {
  try {
    return readFileSync(scoutMemory(stateRoot, directory), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}

/** Keeps it for the next walk's scout, where a scout would be worth it and there is room. */
export function rememberWalk(stateRoot: string, directory: string, walked: Walked): void {
  if (walked.nameCount < SCOUTED_NAMES_MIN) return;
  const text = walkText(walked);
  if (text === rememberedWalk(stateRoot, directory)) return;
  const path = scoutMemory(stateRoot, directory);
  const partial = `${path}.${String(process.pid)}`;
  try {
    mkdirSync(join(stateRoot, FOLDER), { recursive: true });
    writeFileSync(partial, text);
    renameSync(partial, path);
    forgetOldest(join(stateRoot, FOLDER));
  } catch (error) {
    rmSync(partial, { force: true });
    if (!mayNotWrite(error)) throw error;
  }
}

/** Also what a process left that was killed. */
function forgetOldest(folder: string): void {
  const names = readdirSync(folder);
  if (names.length <= KEPT_MAX) return;
  const ages = names.map((name) => ({ name, ms: statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 })).sort((a, b) => b.ms - a.ms);
  for (const { name } of ages.slice(KEPT_MAX)) rmSync(join(folder, name), { force: true });
}
