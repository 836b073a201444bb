import { digestOf, type Digest } from "../content/digest.ts";
import type { ProvenancePlan } from "../provenance/params.ts";
import { derivedId } from "../provenance/derived-id.ts";
import type { Invocation, ProvenanceInput } from "../provenance/predicate.ts";
import { provenanceStatement, type StatementForm } from "../provenance/statement.ts";
import type { StateDatabase } from "../store/state-database.ts";
import type { BuildPlan } from "./build-plan.ts";
import type { Compiled } from "./compiled.ts";
import { NO_INVOCATION, provenanceInput, type RecordParts } from "./record.ts";

/** Whose id and times a record gets. What a run has of its own is in the build's history in any case. */
export type RecordRun =
  /** Those of this run, as BuildKit has it (`--attest-run=always`). */
  | { readonly kind: "own" }
  /** SOURCE_DATE_EPOCH and an id that follows from what the records say: the same on every machine. */
  | { readonly kind: "epoch"; readonly epochNs: bigint; readonly seed: Digest }
  /** Those of the first run of this store that came to the same: a build that changes nothing publishes nothing new. */
  | { readonly kind: "first"; readonly database: StateDatabase };

export interface RunChoice {
  readonly plan: Pick<BuildPlan, "attestRun" | "provenance">;
  readonly compiled: Pick<Compiled, "epochSeconds">;
  /** One for each platform. */
  readonly records: readonly RecordParts[];
  readonly database: StateDatabase;
}

export function recordRun({ plan, compiled, records, database }: RunChoice): RecordRun {
  // What was measured is of one run, and has the times of that run in it.
  if (plan.attestRun === "always" || plan.provenance === undefined || plan.provenance.captureUsage) return { kind: "own" };
  if (compiled.epochSeconds === undefined) return { kind: "first", database };
  return { kind: "epoch", epochNs: compiled.epochSeconds * 1_000_000_000n, seed: seedOf(plan.provenance, records) };
}

/** What the records of all platforms say, without their subjects: it is part of the one id that they share. */
function seedOf(plan: ProvenancePlan, records: readonly RecordParts[]): Digest {
  const said = records.map((record) => provenanceStatement({ ...provenanceInput(plan, record, []), invocation: NO_INVOCATION }, { subjects: [], form: "compact" }));
  return digestOf(Buffer.concat(said));
}

export interface AboutRun {
  readonly input: ProvenanceInput;
  readonly form: StatementForm;
  /** All that this build makes statements about at once: the manifests of all platforms, or the files of one. */
  readonly about: readonly Digest[];
}

/** The id and the times of one statement. */
export function invocationOf({ input, form, about }: AboutRun, run: RecordRun): Invocation {
  switch (run.kind) {
    case "own":
      return input.invocation;
    case "epoch":
      return { id: derivedId([run.seed, ...about]), startedNs: run.epochNs, finishedNs: run.epochNs };
    case "first":
      return firstInvocation({ input, form }, run.database);
  }
}

function firstInvocation({ input, form }: Pick<AboutRun, "input" | "form">, database: StateDatabase): Invocation {
  const { id, startedNs, finishedNs } = input.invocation;
  const timeless = provenanceStatement({ ...input, invocation: NO_INVOCATION }, form);
  const ours = JSON.stringify({ id, startedNs: startedNs.toString(), finishedNs: finishedNs.toString() });
  // Written here, by this process or another one: of two that run at once, one is the first to both.
  const first = JSON.parse(database.keepFact("invocation", digestOf(timeless), ours)) as { id: string; startedNs: string; finishedNs: string };
  return { id: first.id, startedNs: BigInt(first.startedNs), finishedNs: BigInt(first.finishedNs) };
}
