import { StateStorageError, type StateDatabase } from "../store/state-database.ts";

/**
 * How many facts of a kind are kept, of kinds that would grow with every build. Each can be found out again: what is lost is the time of
 * another look, or, of `step-key`, why a step that was not built for long ran. Facts of layers go with their layers; `invocation` has
 * to stay, since records are equal by it.
 */
const FACTS_KEPT_MAX: ReadonlyMap<string, number> = new Map([
  // Whole contexts: more than one machine builds in turns.
  ["local-walk", 200],
  ["local-sight", 200],
  ["git-trees", 40],
  // A line each: those of the files of large contexts, of thousands of steps, of thousands of builds.
  ["file-secrets", 200_000],
  ["git-checked-in", 200_000],
  ["step-key", 20_000],
  ["image-used", 5_000],
  ["git-equal", 5_000],
  ["input-secrets", 5_000],
  // Layers of images are not forgotten with what they were fetched for.
  ["layer-frontend", 1_000],
]);

/** For the end of a process's work. Where it cannot be done now, on a disk that is full, the next that saves such a fact does it. */
export function boundFacts(database: Pick<StateDatabase, "trimFacts">, kept: ReadonlyMap<string, number> = FACTS_KEPT_MAX): void {
  try {
    database.trimFacts(kept);
  } catch (error) {
    if (!(error instanceof StateStorageError)) throw error;
  }
}
