import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../content/digest.ts";
import type { BuildEvent } from "./event.ts";
import { PlainText } from "./plain.ts";
import { ScreenState } from "./screen-state.ts";
import { joinGroups } from "./step-groups.ts";

const [copy, merge, other] = ["copy", "merge", "other"].map((name) => digestOf(Buffer.from(name))) as [ReturnType<typeof digestOf>, ReturnType<typeof digestOf>, ReturnType<typeof digestOf>];
const at = (ms: number): Date => new Date(1_700_000_000_000 + ms);
const name = "[2/3] COPY --link a /";
const planned: readonly BuildEvent[] = [
  { kind: "step-planned", step: copy, name, inputs: [], group: { id: "g", name, weak: true }, at: at(0) },
  { kind: "step-planned", step: merge, name: "[2/3] LINK COPY --link a /", inputs: [copy], group: { id: "g", name, weak: false }, at: at(0) },
  { kind: "step-planned", step: other, name: "[3/3] RUN x", inputs: [merge], at: at(0) },
];
const started = (step: BuildEvent & { readonly kind: "step-planned" }, ms: number): BuildEvent => ({ kind: "step-started", step: step.step, name: step.name, at: at(ms) });
const cached = (step: BuildEvent & { readonly kind: "step-planned" }, ms = 5): BuildEvent => ({ kind: "step-cached", step: step.step, name: step.name, at: at(ms) });
const [copied, merged, ran] = planned as readonly [Parameters<typeof started>[0], Parameters<typeof started>[0], Parameters<typeof started>[0]];

function shown(...events: readonly BuildEvent[]): string {
  let written = "";
  const text = new PlainText({ write: (part) => void (written += part) });
  for (const event of [...planned, ...events]) text.take(event, at(0));
  text.finish(at(0));
  return written;
}

test("a linked copy and its merge are one step, from the beginning of the one to the end of the other", () => {
  assert.equal(
    shown(started(copied, 0), { kind: "step-finished", step: copy, at: at(400) }, started(merged, 1000), { kind: "step-output", step: copy, stream: "stdout", bytes: Buffer.from("late\n"), at: at(1100) }, { kind: "step-finished", step: merge, at: at(1500) }, cached(ran, 1600)),
    `#1 ${name}\n#1 1.100 late\n#1 DONE 1.5s\n\n#2 [3/3] RUN x\n#2 CACHED\n`,
  );
});

test("a group is cached where none of it runs, in whatever order that is told", () => {
  for (const told of [[copied, merged], [merged, copied], [merged]] as const) assert.equal(shown(...told.map((step) => cached(step))), `#1 ${name}\n#1 CACHED\n`);
  assert.equal(shown(cached(copied), started(merged, 10), { kind: "step-finished", step: merge, at: at(210) }), `#1 ${name}\n#1 DONE 0.2s\n`);
});

test("what is weak is not shown by itself, unless it fails", () => {
  assert.equal(shown(started(copied, 0), { kind: "step-finished", step: copy, at: at(400) }), "");
  assert.equal(shown(started(copied, 0), { kind: "step-failed", step: copy, message: "no such file", at: at(10) }), `#1 ${name}\n#1 ERROR: no such file\n`);
});

test("a screen counts a group as one step", () => {
  const state = new ScreenState();
  const take = joinGroups((event) => state.take(event));
  for (const event of planned) take(event);
  assert.deepEqual(state.counts, { ended: 0, known: 2 });
  for (const event of [started(copied, 0), { kind: "step-finished", step: copy, at: at(1) }, started(merged, 2), { kind: "step-finished", step: merge, at: at(3) }] as const) take(event);
  assert.deepEqual([[...state.steps.values()].map((step) => [step.name, step.outcome]), state.counts], [[[name, "done"]], { ended: 1, known: 2 }]);
});
