import { goJson } from "../content/go-json.ts";
import { rfc3339Nano } from "../content/timestamp.ts";
import type { BuildRecord } from "./build-record.ts";
import { buildTrace, type BuildSpan } from "./build-spans.ts";

/** What BuildKit calls the trace of a build: spans of OpenTelemetry as its Go library has them, one JSON object behind the other. */
export const SPAN_STREAM = "application/vnd.buildkit.otlp.json.v0";

const NO_SPAN = "0".repeat(16);
const INTERNAL = 1;
const STATUS = { unset: 0, error: 1 } as const;

/** What a record knows of where its time went, as BuildKit would tell it: a span that has ended comes before the one around it. */
export function spanStream(record: BuildRecord): Uint8Array {
  const { id: traceID, build, steps } = buildTrace(record);
  const context = (span: string): object => ({ TraceID: traceID, SpanID: span, TraceFlags: "01", TraceState: "", Remote: false });
  const stub = ({ id, name, startNs, durationNs, tags, error }: BuildSpan): object => ({
    Name: name, SpanContext: context(id), Parent: context(id === build.id ? NO_SPAN : build.id), SpanKind: INTERNAL,
    StartTime: rfc3339Nano(startNs), EndTime: rfc3339Nano(startNs + durationNs), Attributes: attributes(tags), Events: null, Links: null,
    Status: { Code: error === undefined ? STATUS.unset : STATUS.error, Description: error ?? "" },
    DroppedAttributes: 0, DroppedEvents: 0, DroppedLinks: 0, ChildSpanCount: id === build.id ? steps.length : 0,
    Resource: attributes({ "service.name": "stemma" }), InstrumentationLibrary: { Name: "stemma", Version: "", SchemaURL: "", Attributes: null },
  });
  return Buffer.from([...steps, build].map((span) => `${goJson(stub(span), "  ")}\n`).join(""));
}

function attributes(texts: Readonly<Record<string, string>>): readonly object[] {
  return Object.entries(texts).map(([Key, Value]) => ({ Key, Value: { Type: "STRING", Value } }));
}
