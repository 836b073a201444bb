import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, type Digest } from "../content/digest.ts";
import type { BuildEvent } from "./event.ts";
import { screenLines, type ScreenOptions } from "./screen.ts";
import { ScreenState } from "./screen-state.ts";

const at = (ms: number): Date => new Date(1_700_000_000_000 + ms);
const step = (name: string): Digest => digestOf(Buffer.from(name));
const started = (name: string, ms: number): BuildEvent => ({ kind: "step-started", step: step(name), name, at: at(ms) });
const ended = (name: string, ms: number): BuildEvent => ({ kind: "step-finished", step: step(name), at: at(ms) });
const printed = (name: string, text: string): BuildEvent => ({ kind: "step-output", step: step(name), stream: "stdout", bytes: Buffer.from(text), at: at(0) });

function screen(events: readonly BuildEvent[], options: Partial<ScreenOptions> = {}): readonly string[] {
  const state = new ScreenState();
  for (const event of events) state.take(event);
  if (options.kind === "final") state.finish();
  return screenLines(state, { size: { columns: 40, rows: 24 }, now: at(3250), tailLines: 3, kind: "running", ...options }).map(({ text }) => text);
}

const BUILD: readonly BuildEvent[] = [
  ...["[1/3] FROM base", "[2/3] RUN make", "[3/3] COPY a /a"].map((name): BuildEvent => ({ kind: "step-planned", step: step(name), name, inputs: [], at: at(0) })),
  started("[1/3] FROM base", 0),
  { kind: "step-progress", step: step("[1/3] FROM base"), id: "sha256:aaaa", doneBytes: 12_300_000, totalBytes: 40_000_000, finished: false, at: at(100) },
  ended("[1/3] FROM base", 1200),
  started("[2/3] RUN make", 1250),
  printed("[2/3] RUN make", "cc a.c\ncc b.c\nlinking 10%\rlinking \u001b[31m50%"),
];

test("steps stand with their times and sizes, and what runs with its last lines", () => {
  assert.deepEqual(screen(BUILD), [
    "[+] Building 3.3s (1/3)",
    " => [1/3] FROM base                 1.2s",
    " => => sha256:aaaa 12.30MB / 40.00M 1.1s",
    " => [2/3] RUN make                  2.0s",
    " => => # cc a.c",
    " => => # cc b.c",
    " => => # linking 50%",
  ]);
});

test("a step that goes on after its end runs again, and its pause does not count", () => {
  const [planned, begun] = [BUILD.slice(0, 3), BUILD.slice(3)];
  const goesOn = [...planned, ...begun, started("[1/3] FROM base", 2250)];
  assert.equal(screen(goesOn)[1], " => [1/3] FROM base                 2.2s");
  assert.equal(screen([...goesOn, ended("[1/3] FROM base", 2750)])[1], " => [1/3] FROM base                 1.7s");
});

test("at the end all steps stand there without what they printed, and what was not needed does not count", () => {
  assert.deepEqual(screen([...BUILD, ended("[2/3] RUN make", 3000)], { kind: "final" }), [
    "[+] Building 3.3s (2/2) FINISHED",
    " => [1/3] FROM base                 1.2s",
    " => => sha256:aaaa 12.30MB / 40.00M 1.1s",
    " => [2/3] RUN make                  1.8s",
  ]);
});

test("steps that were cached or failed say so, and a build that failed is not finished", () => {
  const events: readonly BuildEvent[] = [{ kind: "step-cached", step: step("a"), name: "a", at: at(0) }, started("b", 100), { kind: "step-failed", step: step("b"), message: "no", at: at(1100) }];
  assert.deepEqual(screen(events, { kind: "final" }), ["[+] Building 3.3s (2/2)", " => CACHED a                        0.0s", " => ERROR b                         1.0s"]);
  const stopped: BuildEvent = { kind: "step-failed", step: step("b"), message: "context canceled", at: at(1100) };
  assert.deepEqual(screen([started("b", 100), stopped], { kind: "final" }), ["[+] Building 3.1s (1/1)", " => CANCELED b                      1.0s"]);
});

test("no line is wider than the terminal, whatever the width of its letters", () => {
  const [, line = ""] = screen([started("[1/1] RUN 日本語日本語日本語日本語日本語日本語", 3000)]);
  assert.equal(line, " => [1/1] RUN 日本語日本語日本語日  0.3s");
  assert.deepEqual(screen([started("[1/1] RUN x", 3000)], { size: { columns: 10, rows: 24 } }), ["[+] Buildi"]);
});

test("on a low screen what runs goes before what is done, and what was done last before what was done first", () => {
  const events = [started("a", 0), ended("a", 1), started("runs", 2), started("b", 3), ended("b", 4), started("c", 5), ended("c", 6), printed("runs", "one\ntwo\n")];
  assert.deepEqual(screen(events, { size: { columns: 40, rows: 5 } }).map((line) => line.slice(0, 8).trimEnd()), ["[+] Buil", " => runs", " => b", " => c"]);
  assert.deepEqual(screen(events, { size: { columns: 40, rows: 2 } }).length, 1);
  assert.deepEqual(screen(events, { size: { columns: 40, rows: 7 } }).at(3), " => => # two", "what is free goes to the last lines");
});

test("what a program prints can neither move the cursor nor pass for another line", () => {
  const lines = screen([started("RUN \u001b[2Jx\n => DONE", 3000), printed("RUN \u001b[2Jx\n => DONE", "\u001b[1;1Hhi\u0007\u202e!\u009b31m\r\n")]);
  assert.deepEqual(lines.slice(1).map((line) => line.trimEnd()), [" => RUN x => DONE                   0.3s", " => => # hi!"]);
});

test("memory does not grow with what is printed", () => {
  const state = new ScreenState();
  state.take(started("a", 0));
  for (let i = 0; i < 1000; i++) state.take(printed("a", `${"x".repeat(5000)}\n${"y".repeat(5000)}`));
  const tail = state.steps.get(step("a"))?.tail ?? [];
  assert.ok(tail.length <= 100 && tail.every((line) => line.length <= 1000), `${tail.length} lines`);
});
