import { goJson } from "../content/go-json.ts";
import { digestOf } from "../content/digest.ts";
import { parseRfc3339 } from "../content/timestamp.ts";
import type { BuildRecord, StepRecord } from "./build-record.ts";

const PROCESS = "p1";

interface Tag {
  readonly key: string;
  readonly type: "string" | "bool";
  readonly value: string | boolean;
}

/** Where the time of a build went, as Jaeger's user interface reads it from a file: one span for the build, and one in it for each step that began. */
export function jaegerTrace(record: BuildRecord): string {
  const traceID = identity(record.id, 32);
  const root = identity(`${record.id} build`, 16);
  const span = { traceID, flags: 1, logs: [], processID: PROCESS, warnings: null };
  const startTime = microseconds(record.startedAt);
  const build = { ...span, spanID: root, operationName: `build ${record.name}`, references: [], startTime, duration: microseconds(record.completedAt) - startTime, tags: tagsOf({ status: record.status, ref: record.ref }, record.error?.message) };
  const steps = record.steps.flatMap((step) => (step.startedAt === null ? [] : [{
    ...span, spanID: identity(`${record.id} ${step.digest}`, 16), operationName: step.name, references: [{ refType: "CHILD_OF", traceID, spanID: root }],
    startTime: microseconds(step.startedAt), duration: step.durationMs * 1000, tags: stepTags(step),
  }]));
  return `${goJson({ data: [{ traceID, spans: [build, ...steps], processes: { [PROCESS]: { serviceName: "stemma", tags: [] } }, warnings: null }] }, "  ")}\n`;
}

function stepTags({ digest, outcome, cache, error }: StepRecord): readonly Tag[] {
  return tagsOf({ vertex: digest, outcome, ...(cache === null ? {} : { reason: cache.reason, why: cache.message }) }, error ?? undefined);
}

function tagsOf(texts: Readonly<Record<string, string>>, error: string | undefined): readonly Tag[] {
  const tags = Object.entries(texts).map(([key, value]): Tag => ({ key, type: "string", value }));
  return error === undefined ? tags : [...tags, { key: "error", type: "bool", value: true }, { key: "error.message", type: "string", value: error }];
}

/** The same for the same record: two exports of one build are one trace. */
function identity(of: string, length: number): string {
  return digestOf(Buffer.from(of)).slice("sha256:".length, "sha256:".length + length);
}

function microseconds(text: string): number {
  return Number(parseRfc3339(text) / 1000n);
}
