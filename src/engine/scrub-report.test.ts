import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../content/digest.ts";
import type { BuildEvent } from "../progress/event.ts";
import type { FoundSecrets } from "../scrub/find-secrets.ts";
import { LineScrubber } from "../scrub/line-scrubber.ts";
import { scrubReport } from "./scrub-report.ts";

const step = digestOf(Buffer.from("step"));
const at = new Date("2026-01-01T00:00:00Z");

test("no text of an event passes with a secret in it", () => {
  const hide = (text: string): string => text.replaceAll("hunter2", "***");
  const find = (text: string): FoundSecrets => ({ spans: [...text.matchAll(/hunter2/g)].map(({ index }) => ({ start: index, end: index + 7, kind: "known-secret" as const })), endsInKey: false });
  const seen: BuildEvent[] = [];
  const report = scrubReport((event) => void seen.push(event), { text: hide, dockerfile: hide, lines: () => new LineScrubber(find) });
  const events: readonly BuildEvent[] = [
    { kind: "step-planned", step, name: "COPY hunter2", inputs: [], group: { id: "g", name: "COPY --link hunter2", weak: true }, at },
    { kind: "step-planned", step, name: "RUN hunter2", inputs: [], at },
    { kind: "step-started", step, name: "RUN hunter2", at },
    { kind: "step-cached", step, name: "RUN hunter2", at },
    { kind: "step-explained", step, reason: "changed", message: "hunter2 changed", at },
    { kind: "step-output", step, stream: "stdout", bytes: Buffer.from("hunter2\n"), at },
    { kind: "step-progress", step, id: "extracting hunter2", doneBytes: 0, totalBytes: 0, finished: true, at },
    { kind: "step-failed", step, message: "hunter2 failed", at },
    { kind: "warning", rule: "R", message: "hunter2", url: "", detail: "hunter2", location: { filename: "Dockerfile", text: "RUN hunter2", startLine: 1, endLine: 1 } },
    { kind: "notice", message: "hunter2" },
  ];
  for (const event of events) report(event);
  assert.equal(seen.length, events.length);
  for (const event of seen) assert.ok(!JSON.stringify({ ...event, bytes: "bytes" in event ? Buffer.from(event.bytes).toString() : "" }).includes("hunter2"), event.kind);
  assert.deepEqual(seen.slice(0, 2).map((event) => event.kind === "step-planned" && event.group?.name), ["COPY --link ***", undefined]);
});
