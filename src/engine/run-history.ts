import type { Digest } from "../content/digest.ts";
import type { StateDatabase } from "../store/state-database.ts";

/** One run of a build that came to its end: what its records leave out so that equal builds have equal ones. */
export interface FinishedRun {
  /** As in the build's `ref`. */
  readonly id: string;
  /** Nanoseconds since the epoch. */
  readonly startedNs: bigint;
  readonly finishedNs: bigint;
  /** Digests of the provenance statements that it came to, which an earlier run may have come to before; empty where none was asked for. */
  readonly records: readonly Digest[];
}

const KIND = "run";

/** Appends a run to the history; what is there stays. */
export function saveRun(database: StateDatabase, { id, startedNs, finishedNs, records }: FinishedRun): void {
  database.saveFact(KIND, id, JSON.stringify({ startedNs: startedNs.toString(), finishedNs: finishedNs.toString(), records }));
}

/** Undefined for an id that no run of this state root has. */
export function findRun(database: StateDatabase, id: string): FinishedRun | undefined {
  const text = database.fact(KIND, id);
  if (text === undefined) return undefined;
  // Written by saveRun.
  const { startedNs, finishedNs, records } = JSON.parse(text) as { startedNs: string; finishedNs: string; records: readonly Digest[] };
  return { id, startedNs: BigInt(startedNs), finishedNs: BigInt(finishedNs), records };
}
