import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../content/digest.ts";
import type { BuildEvent } from "./event.ts";
import { rawJsonRenderer } from "./raw-json.ts";

const base = digestOf(Buffer.from("base"));
const step = digestOf(Buffer.from("step"));
const at = (ms: number): Date => new Date(Date.UTC(2026, 0, 2, 3, 4, 5, ms));
const T0 = "2026-01-02T03:04:05Z";

function told(...events: readonly BuildEvent[]): readonly unknown[] {
  let text = "";
  const render = rawJsonRenderer((part) => void (text += part));
  events.forEach(render);
  assert.ok(text.endsWith("\n"));
  return text.trimEnd().split("\n").map((line): unknown => JSON.parse(line));
}

test("a vertex is told whole each time, in BuildKit's members", () => {
  const vertex = { digest: step, inputs: [base], name: "RUN <x>" };
  assert.deepEqual(
    told(
      { kind: "step-planned", step, name: "RUN <x>", inputs: [base], at: at(0) },
      { kind: "step-started", step, name: "RUN <x>", at: at(0) },
      { kind: "step-failed", step, message: "exit code: 1", at: at(1120) },
    ),
    [{ vertexes: [vertex] }, { vertexes: [{ ...vertex, started: T0 }] }, { vertexes: [{ ...vertex, started: T0, completed: "2026-01-02T03:04:06.12Z", error: "exit code: 1" }] }],
  );
});

test("a step that goes on after its end has not ended", () => {
  const [start, end] = [{ kind: "step-started", step, name: "FROM base" }, { kind: "step-finished", step }] as const;
  assert.deepEqual(told({ ...start, at: at(0) }, { ...end, at: at(120) }, { ...start, at: at(500) }, { ...end, at: at(620) }).slice(2), [
    { vertexes: [{ digest: step, name: "FROM base", started: "2026-01-02T03:04:05.5Z" }] },
    { vertexes: [{ digest: step, name: "FROM base", started: "2026-01-02T03:04:05.5Z", completed: "2026-01-02T03:04:05.62Z" }] },
  ]);
});

test("a step of a group names it, as the last of its members", () => {
  const group = { id: "g", name: "[2/2] COPY --link a /" };
  const lines: string[] = [];
  const render = rawJsonRenderer((line) => void lines.push(line));
  render({ kind: "step-planned", step, name: group.name, inputs: [], group: { ...group, weak: true }, at: at(0) });
  render({ kind: "step-planned", step: base, name: "LINK", inputs: [], group: { ...group, weak: false }, at: at(0) });
  render({ kind: "step-cached", step, name: group.name, at: at(0) });
  assert.deepEqual(lines, [
    `{"vertexes":[{"digest":"${step}","name":"${group.name}","progressGroup":{"id":"g","name":"${group.name}","weak":true}}]}\n`,
    `{"vertexes":[{"digest":"${base}","name":"LINK","progressGroup":{"id":"g","name":"${group.name}"}}]}\n`,
    `{"vertexes":[{"digest":"${step}","name":"${group.name}","started":"${T0}","completed":"${T0}","cached":true,"progressGroup":{"id":"g","name":"${group.name}","weak":true}}]}\n`,
  ]);
});

test("a step that was cached has no time of its own, and one that is no vertex has no inputs", () => {
  assert.deepEqual(told({ kind: "step-cached", step, name: "COPY", at: at(0) }, { kind: "step-started", step: base, name: "exporting", at: at(0) }, { kind: "step-finished", step: base, at: at(0) }), [
    { vertexes: [{ digest: step, name: "COPY", started: T0, completed: T0, cached: true }] },
    { vertexes: [{ digest: base, name: "exporting", started: T0 }] },
    { vertexes: [{ digest: base, name: "exporting", started: T0, completed: T0 }] },
  ]);
});

test("output, progress and warnings are BuildKit's logs, statuses and warnings", () => {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  assert.deepEqual(
    told(
      { kind: "step-output", step, stream: "stderr", bytes: Buffer.from("a\n"), at: at(0) },
      { kind: "step-progress", step, id: "sha256:aa", doneBytes: 5, totalBytes: 10, finished: false, at: at(0) },
      { kind: "step-progress", step, id: "sha256:aa", doneBytes: 10, totalBytes: 10, finished: true, at: at(500) },
      { kind: "warning", step, rule: "StageNameCasing", message: "lower it", url: "https://example.com/r", detail: "why", location: { filename: "Dockerfile", text: "FROM a\n", startLine: 1, endLine: 1, language: "Dockerfile", definition: { def: ["AA=="] } } },
      { kind: "notice", message: "WARNING: a word" },
      { kind: "notice", message: "what came of it", isResult: true },
    ),
    [
      { logs: [{ vertex: step, stream: 2, data: base64("a\n"), timestamp: T0 }] },
      { statuses: [{ id: "sha256:aa", vertex: step, total: 10, current: 5, timestamp: T0, started: T0 }] },
      { statuses: [{ id: "sha256:aa", vertex: step, total: 10, current: 10, timestamp: "2026-01-02T03:04:05.5Z", started: T0, completed: "2026-01-02T03:04:05.5Z" }] },
      { warnings: [{ vertex: step, level: 1, short: base64("StageNameCasing: lower it (line 1)"), detail: [base64("why")], url: "https://example.com/r", sourceInfo: { filename: "Dockerfile", data: base64("FROM a\n"), definition: { def: ["AA=="] }, language: "Dockerfile" }, range: [{ start: { line: 1 }, end: { line: 1 } }] }] },
      { warnings: [{ level: 1, short: base64("a word") }] },
    ],
  );
});
