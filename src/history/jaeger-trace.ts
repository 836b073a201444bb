import { goJson } from "../content/go-json.ts";
import type { BuildRecord } from "./build-record.ts";
import { buildTrace, type BuildSpan } from "./build-spans.ts";

const PROCESS = "p1";

interface Tag {
  readonly key: string;
  readonly type: "string" | "bool";
  readonly value: string | boolean;
}

/** Where the time of a build went, as Jaeger's user interface reads it from a file. */
export function jaegerTrace(record: BuildRecord): string {
  const { id: traceID, build, steps } = buildTrace(record);
  const span = ({ id, name, startNs, durationNs, tags, error }: BuildSpan): object => ({
    traceID, flags: 1, logs: [], processID: PROCESS, warnings: null, spanID: id, operationName: name, references: id === build.id ? [] : [{ refType: "CHILD_OF", traceID, spanID: build.id }],
    startTime: Number(startNs / 1000n), duration: Number(durationNs / 1000n), tags: tagsOf(tags, error),
  });
  return `${goJson({ data: [{ traceID, spans: [build, ...steps].map(span), processes: { [PROCESS]: { serviceName: "stemma", tags: [] } }, warnings: null }] }, "  ")}\n`;
}

function tagsOf(texts: Readonly<Record<string, string>>, error: string | undefined): readonly Tag[] {
  const tags = Object.entries(texts).map(([key, value]): Tag => ({ key, type: "string", value }));
  return error === undefined ? tags : [...tags, { key: "error", type: "bool", value: true }, { key: "error.message", type: "string", value: error }];
}
