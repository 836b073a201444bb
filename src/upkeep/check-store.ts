import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openStateDatabase, StateStorageError } from "../store/state-database.ts";
import { findDamage, type Checked, type Damage } from "./fsck.ts";
import { forgetRemoved } from "./forget-removed.ts";
import { openStore } from "./open-store.ts";

export interface FoundDamage extends Pick<Damage, "kind" | "name" | "problem"> {
  /** True where it was to be taken away, and was. */
  readonly repaired: boolean;
}

export interface StoreCheck {
  readonly checked: Checked;
  readonly found: number;
  readonly repaired: number;
}

const NOTHING: Checked = { blobs: 0, layers: 0, records: 0, builds: 0 };

/** Checks a whole state root, also one whose database cannot be opened, and repairs what it can where that is asked for. */
export async function checkStore(root: string, { repair }: { readonly repair: boolean }, onFound: (damage: FoundDamage) => void, signal: AbortSignal): Promise<StoreCheck> {
  if (!existsSync(root)) return { checked: NOTHING, found: 0, repaired: 0 };
  const counts = { found: 0, repaired: 0 };
  const take = async ({ kind, name, problem, repair: mend }: Damage): Promise<void> => {
    const repaired = repair && (await mend());
    counts.found++;
    if (repaired) counts.repaired++;
    onFound({ kind, name, problem, repaired });
  };
  const problem = databaseProblem(root);
  if (problem !== undefined) {
    await take({ kind: "database", name: "state.db", problem, repair: async () => dropDatabase(root) });
    // Nothing can be said of what it speaks of.
    if (!repair) return { checked: NOTHING, ...counts };
  }
  const checked = await checkOpen(root, take, { repair }, signal);
  return { checked, ...counts };
}

async function checkOpen(root: string, take: (damage: Damage) => Promise<void>, { repair }: { readonly repair: boolean }, signal: AbortSignal): Promise<Checked> {
  await using store = await openStore(root);
  if (store === undefined) return NOTHING;
  const checked = await findDamage(store, take, signal);
  if (repair) forgetRemoved(store);
  return checked;
}

function databaseProblem(root: string): string | undefined {
  if (!existsSync(join(root, "state.db"))) return undefined;
  try {
    using database = openStateDatabase(join(root, "state.db"));
    const problems = database.problems();
    return problems.length === 0 ? undefined : problems.join("; ");
  } catch (error) {
    if (error instanceof StateStorageError && error.code === "storage") return error.message;
    throw error;
  }
}

/** It only says where things are: what earlier builds made is then made anew. A process that has it open keeps what it sees. */
function dropDatabase(root: string): boolean {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(join(root, `state.db${suffix}`), { force: true });
  return true;
}
