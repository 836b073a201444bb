import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../content/digest.ts";
import type { BuildEvent } from "../progress/event.ts";
import { StepRecorder } from "./step-record.ts";

const step = digestOf(Buffer.from("step"));
const at = (ms: number): Date => new Date(Date.UTC(2026, 0, 2) + ms);

test("a step that goes on after its end took the time of both, and none of the pause between", () => {
  const recorder = new StepRecorder();
  const from = { step, name: "FROM base" } as const;
  const events: readonly BuildEvent[] = [
    { kind: "step-started", ...from, at: at(0) }, { kind: "step-finished", step, at: at(100) },
    { kind: "step-started", ...from, at: at(5000) }, { kind: "step-finished", step, at: at(6000) },
    { kind: "step-started", ...from, at: at(9000) }, { kind: "step-failed", step, message: "no such blob", at: at(9010) },
  ];
  events.forEach((event) => recorder.add(event));
  assert.deepEqual(recorder.records([], "error"), [{ digest: step, name: "FROM base", outcome: "failed", cache: null, startedAt: at(0).toISOString(), durationMs: 1110, error: "no such blob" }]);
});
