import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../content/digest.ts";
import { refOf, type BuildRecord } from "./build-record.ts";
import { inspectText } from "./inspect-record.ts";
import { jaegerTrace } from "./jaeger-trace.ts";

const [COPY, RUN, LAST] = ["copy", "run", "last"].map((name) => digestOf(Buffer.from(name)));
const RECORD: BuildRecord = {
  version: 1, id: "a1", ref: refOf("a1"), name: "app", status: "error", startedAt: "2026-01-01T00:00:00.5Z", completedAt: "2026-01-01T00:00:03Z", context: "/app", dockerfile: "Dockerfile", target: "x", platforms: ["linux/amd64"],
  attributes: {
    target: "x", filename: "Dockerfile", platform: "linux/amd64", "vcs:source": "https://example.com/a.git", "label:l": "1", "context:c": "local:c", "build-arg:A": "1",
    "no-cache": "one,two", "add-hosts": "a=1.2.3.4,b=::1", "force-network-mode": "none", "cgroup-parent": "/x", "shm-size": "5", memory: "6", cpusetcpus: "0-1", "build-arg:BUILDKIT_MULTI_PLATFORM": "true", "build-arg:SOURCE_DATE_EPOCH": "7", zone: "z", area: "y",
  },
  error: { code: "step", message: "exit code: 1", report: "" }, warnings: 0, materials: [], names: [], image: null, attachments: [],
  steps: [
    { digest: COPY ?? assert.fail(), name: "COPY a /", outcome: "cached", cache: { reason: "unchanged", message: "nothing changed" }, startedAt: "2026-01-01T00:00:01.000Z", durationMs: 0, error: null },
    { digest: RUN ?? assert.fail(), name: "RUN make", outcome: "failed", cache: null, startedAt: "2026-01-01T00:00:01.250Z", durationMs: 1500, error: "exit code: 1" },
    { digest: LAST ?? assert.fail(), name: "RUN true", outcome: "not-reached", cache: null, startedAt: null, durationMs: 0, error: null },
  ],
};

const OUTPUT: ReadonlyArray<readonly ["stdout" | "stderr", string]> = [["stdout", "one\n\ntw"], ["stderr", "warn\n"], ["stdout", "o\nthree"]];
const LOG = OUTPUT.map(([stream, text]) => `${JSON.stringify({ kind: "step-output", step: RUN, stream, bytes: Buffer.from(text).toString("base64"), at: "2026-01-01T00:00:02.000Z" })}\n`).join("");
const FAILED: BuildRecord = {
  ...RECORD, platforms: [], attributes: { target: "x", "label:l": "1", "context:c": "local:c" },
  error: { code: "step-failed", message: 'failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 1', report: "", step: RUN ?? assert.fail(), source: { filename: "Dockerfile", text: "FROM a\nRUN make\n", startLine: 2, endLine: 2 }, exitCode: 1 },
};

function inspected(record: BuildRecord, format: string, log = ""): string {
  return inspectText({ record, log }, { format, cwd: "/" });
}

test("a failure is told as buildx tells it: a number, the step, its last lines, and the place in the Dockerfile", () => {
  const { Error: error } = JSON.parse(inspected(FAILED, "json", LOG)) as { readonly Error: Readonly<Record<string, unknown>> & { readonly Sources: string } };
  assert.deepEqual({ ...error, Sources: Buffer.from(error.Sources, "base64").toString() }, {
    Code: 2, Message: 'process "/bin/sh -c make" did not complete successfully: exit code: 1', Name: "RUN make", Logs: ["one", "two", "warn", "three"],
    Sources: "Dockerfile:2\n--------------------\n   1 |     FROM a\n   2 | >>> RUN make\n   3 |     \n--------------------\n\n", Kind: "step-failed",
  });
  const canceled = JSON.parse(inspected({ ...FAILED, status: "canceled", error: null }, "json")) as { readonly Error: object };
  assert.deepEqual(canceled.Error, { Code: 1, Message: "context canceled" });
  assert.equal(inspected({ ...FAILED, error: { code: "grpc-5", message: "gone", report: "" } }, "{{.Error.Code}} {{.Error.Message}} {{len .Error.Logs}}"), "5 gone 0\n");
  const memory = { code: "step-failed", message: 'failed to solve: ResourceExhausted: process "make" did not complete successfully: cannot allocate memory', report: "", exitCode: 137 };
  assert.equal(inspected({ ...FAILED, error: memory }, "{{.Error.Code}} {{.Error.Message}}"), '8 process "make" did not complete successfully: cannot allocate memory\n');
  assert.equal(inspected({ ...FAILED, status: "completed", error: null }, "{{.Error}}"), "<nil>\n");
});

test("shares of steps are rounded as Go rounds, and what frontends tell each other is no setting", () => {
  const steps = Array.from({ length: 8 }, (_, i) => ({ ...(RECORD.steps[0] ?? assert.fail()), outcome: i === 0 ? "cached" as const : "ran" as const }));
  const record = { ...RECORD, steps, attributes: { ...RECORD.attributes, "frontend.caps": "moby.buildkit.frontend.contexts+forward" } };
  assert.match(inspected(record, "pretty"), /^Build Steps:\t8\/8 \(12% cached\)$/m);
  assert.doesNotMatch(inspected(record, "json"), /frontend.caps/);
});

test("an inspection in words has buildx's lines, in its order, with tabs between them", () => {
  const text = inspected(FAILED, "pretty", LOG);
  assert.equal(text, [
    "Name:\t\tapp", "Ref:\t\ta1", "Context:\tapp", "Dockerfile:\tDockerfile", "Target:\t\tx", "",
    "NAMED CONTEXT\tVALUE", "c\t\tlocal:c", "",
    "Started:\t2026-01-01 00:00:00", "Duration:\t2.5s", 'Error:\t\tUnknown process "/bin/sh -c make" did not complete successfully: exit code: 1', "Build Steps:\t2/3 (33% cached)", "", "",
    "LABEL\tVALUE", "l\t1", "",
    "Steps:", "OUTCOME\t\tDURATION\tSTEP\t\tWHY", "cached\t\t0.0s\t\tCOPY a /\tnothing changed", "failed\t\t1.5s\t\tRUN make\texit code: 1", "not-reached\t0.0s\t\tRUN true\t", "",
    "Dockerfile:2", "--------------------", "   1 |     FROM a", "   2 | >>> RUN make", "   3 |     ", "--------------------", "",
    "Logs:", "> => RUN make:", "> one", "> two", "> warn", "> three", "", "Print build logs: stemma history logs a1", "",
  ].join("\n"));
});

test("what is empty is not in the JSON, and is its zero value in a template", () => {
  const json = JSON.parse(inspected({ ...FAILED, status: "completed", error: null }, "json")) as Readonly<Record<string, unknown>>;
  assert.deepEqual(["VCSRepository", "Platform", "BuildArgs", "Error", "Warnings", "Materials"].filter((member) => member in json), []);
  assert.equal(inspected(FAILED, "{{.VCSRevision}}|{{.Platform}}|{{.Config.NoCache}}|{{.Duration}}|{{.Config.Network}}"), "|[]|false|2.5s|\n");
  assert.throws(() => inspected(FAILED, "{{.Nothing}}"), { message: 'failed to execute format template: template: inspect:1:2: executing "inspect" at <.Nothing>: can\'t evaluate field Nothing in type history.inspectOutput' });
  assert.throws(() => inspected(FAILED, "{{"), { message: "failed to parse format template: template: inspect:1: unclosed action" });
});

test("what a build was asked for is in buildx's members, and nothing of it is left out", () => {
  const { Config, Status, BuildArgs } = JSON.parse(inspected(RECORD, "json")) as { readonly Config: object; readonly Status: string; readonly BuildArgs: ReadonlyArray<{ readonly Name: string }> };
  assert.deepEqual(Config, {
    NoCacheFilter: ["one", "two"], ExtraHosts: ["a=1.2.3.4", "b=::1"], Network: "none", CgroupParent: "/x", ShmSize: "5", Memory: "6", CPUSetCPUs: "0-1", MultiPlatform: true, SourceDateEpoch: "7",
    RestRaw: [{ Name: "area", Value: "y" }, { Name: "zone", Value: "z" }],
  });
  assert.equal(Status, "failed");
  assert.deepEqual(BuildArgs.map(({ Name }) => Name), ["A", "BUILDKIT_MULTI_PLATFORM", "SOURCE_DATE_EPOCH"]);
  assert.equal(inspected({ ...RECORD, attributes: { "no-cache": "" } }, "{{.Config.NoCache}}"), "true\n");
  assert.equal(inspected({ ...RECORD, status: "canceled" }, "{{.Status}} {{(index .Config.ExtraHosts 1)}}"), "canceled b=::1\n");
});

test("a trace has a span for the build, and in it one for each step that began", () => {
  interface Span {
    readonly spanID: string;
    readonly operationName: string;
    readonly startTime: number;
    readonly duration: number;
    readonly references: ReadonlyArray<{ readonly refType: string; readonly spanID: string }>;
    readonly tags: ReadonlyArray<{ readonly key: string; readonly value: unknown }>;
  }
  const { data: [trace] } = JSON.parse(jaegerTrace(RECORD)) as { readonly data: ReadonlyArray<{ readonly traceID: string; readonly spans: readonly Span[]; readonly processes: object }> };
  assert.match(trace?.traceID ?? "", /^[0-9a-f]{32}$/);
  const [build, ...steps] = trace?.spans ?? [];
  assert.deepEqual([build?.operationName, build?.startTime, build?.duration, build?.references], ["build app", 1767225600500000, 2_500_000, []]);
  assert.deepEqual(steps.map(({ operationName, startTime, duration }) => [operationName, startTime, duration]), [["COPY a /", 1767225601000000, 0], ["RUN make", 1767225601250000, 1_500_000]]);
  for (const { references } of steps) assert.deepEqual(references.map(({ refType, spanID }) => [refType, spanID]), [["CHILD_OF", build?.spanID]]);
  assert.deepEqual(steps[1]?.tags.filter(({ key }) => key.startsWith("error")).map(({ value }) => value), [true, "exit code: 1"]);
  assert.equal(new Set(trace?.spans.map(({ spanID }) => spanID)).size, 3);
  assert.deepEqual(trace?.processes, { p1: { serviceName: "stemma", tags: [] } });
});
