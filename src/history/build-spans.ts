import { digestOf } from "../content/digest.ts";
import { parseRfc3339 } from "../content/timestamp.ts";
import type { BuildRecord, StepRecord } from "./build-record.ts";

/** Where a piece of a build's time went. */
export interface BuildSpan {
  readonly id: string;
  readonly name: string;
  readonly startNs: bigint;
  readonly durationNs: bigint;
  readonly tags: Readonly<Record<string, string>>;
  /** Why it failed; undefined where it did not. */
  readonly error: string | undefined;
}

/** One span for the build, and one in it for each step that began. */
export interface BuildTrace {
  readonly id: string;
  readonly build: BuildSpan;
  readonly steps: readonly BuildSpan[];
}

/** The names of BuildKit's spans, where it has such. */
export function buildTrace(record: BuildRecord): BuildTrace {
  const startNs = parseRfc3339(record.startedAt);
  return {
    id: identity(record.id, 32),
    build: { id: identity(`${record.id} build`, 16), name: `build ${record.name}`, startNs, durationNs: parseRfc3339(record.completedAt) - startNs, tags: { status: record.status, ref: record.ref }, error: record.error?.message },
    steps: record.steps.flatMap((step) => (step.startedAt === null ? [] : [stepSpan(record, step, step.startedAt)])),
  };
}

function stepSpan({ id }: BuildRecord, { digest, name, outcome, cache, error, durationMs }: StepRecord, startedAt: string): BuildSpan {
  return {
    id: identity(`${id} ${digest}`, 16), name, startNs: parseRfc3339(startedAt), durationNs: BigInt(durationMs) * 1_000_000n,
    tags: { vertex: digest, outcome, ...(cache === null ? {} : { reason: cache.reason, why: cache.message }) }, error: error ?? undefined,
  };
}

/** The same for the same record: two exports of one build are one trace. */
function identity(of: string, length: number): string {
  return digestOf(Buffer.from(of)).slice("sha256:".length, "sha256:".length + length);
}
