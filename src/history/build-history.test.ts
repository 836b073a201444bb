import assert from "node:assert/strict";
import { mkdtempDisposableSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { digestOf } from "../content/digest.ts";
import { parseRfc3339 } from "../content/timestamp.ts";
import { systemClock } from "../host/clock.ts";
import { Workspace } from "../snapshot/workspace.ts";
import { BuildHistory, HISTORY_BOUNDS, type StoredRun } from "./build-history.ts";
import { refOf, type BuildRecord } from "./build-record.ts";
import { EventLog, parseEventLog } from "./event-log.ts";
import { findRun } from "./find-run.ts";
import { HistoryError } from "./history-error.ts";
import { recordFilter } from "./record-filter.ts";

const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-history-"));
after(() => scratch.remove());
let roots = 0;

const HOUR_MS = 3_600_000;
const attached = Buffer.from("{}");

function runOf(id: string, record: Partial<BuildRecord> = {}): StoredRun {
  return {
    log: "",
    attachments: new Map([[digestOf(attached), attached]]),
    record: {
      version: 1, id, ref: refOf(id), name: "app", status: "completed", startedAt: "2026-01-01T00:00:00Z", completedAt: "2026-01-01T00:01:30Z", context: "/app", dockerfile: "Dockerfile",
      target: null, platforms: [], attributes: { "vcs:source": "https://example.com/app.git" }, error: null, warnings: 0, steps: [], materials: [], names: [], image: null,
      attachments: [{ digest: digestOf(attached), type: "metadata", mediaType: "application/json", predicateType: null, sizeBytes: attached.byteLength }],
      ...record,
    },
  };
}

function open(): { readonly history: BuildHistory; readonly directory: string; readonly workspace: Workspace } {
  const root = join(scratch.path, String(roots++));
  const workspace = new Workspace(join(root, "work"));
  return { history: new BuildHistory(join(root, "history"), workspace, systemClock), directory: join(root, "history"), workspace };
}

const age = (directory: string, id: string, hours: number): void => {
  const at = new Date(systemClock.now().getTime() - hours * HOUR_MS);
  utimesSync(join(directory, id), at, at);
};

test("the oldest go where there are too many of them, and the young ones stay", async () => {
  const { history, directory } = open();
  for (const [position, id] of ["a", "b", "c", "d"].entries()) {
    await history.save(runOf(id, { startedAt: `2026-01-0${4 - position}T00:00:00Z` }));
    age(directory, id, position * 10);
  }
  await history.keepWithin({ ...HISTORY_BOUNDS, runs: 1, ageMs: 15 * HOUR_MS });
  assert.deepEqual(history.list().map(({ id }) => id), ["a", "b"]);
  await history.keepWithin({ ...HISTORY_BOUNDS, runsMax: 1 });
  assert.deepEqual(history.list().map(({ id }) => id), ["a"]);
});

test("what is in a run is measured once, and anew where another has its id", async () => {
  const { history, directory } = open();
  for (const id of ["a", "b"]) await history.save(runOf(id));
  age(directory, "a", 1);
  await history.keepWithin(HISTORY_BOUNDS);
  // Nobody does so: it only shows that nobody looks.
  writeFileSync(join(directory, "a", "log.jsonl"), "x".repeat(20_000));
  await history.keepWithin({ ...HISTORY_BOUNDS, bytesMax: 15_000 });
  assert.deepEqual(history.list().map(({ id }) => id).toSorted(), ["a", "b"]);
  assert.equal(await history.remove("a"), true);
  await history.save({ ...runOf("a"), log: "x".repeat(20_000) });
  age(directory, "a", 1);
  writeFileSync(join(directory, "../history-sizes"), "no size\n", { flag: "a" });
  await history.keepWithin({ ...HISTORY_BOUNDS, bytesMax: 15_000 });
  assert.deepEqual(history.list().map(({ id }) => id), ["b"]);
});

test("the file of sizes does not grow with what is gone", async () => {
  const { history, directory } = open();
  writeFileSync(join(directory, "../history-sizes"), "gone1 1 1\n".repeat(1000));
  await history.save(runOf("a"));
  await history.keepWithin(HISTORY_BOUNDS);
  assert.match(readFileSync(join(directory, "../history-sizes"), "utf8"), /^a \d+ [\d.]+\n$/);
});

test("the oldest go where there is too much of them, and the last one stays however large", async () => {
  const { history, directory } = open();
  for (const [position, id] of ["a", "b"].entries()) {
    await history.save({ ...runOf(id), log: "x".repeat(10_000) });
    age(directory, id, position);
  }
  await history.keepWithin({ ...HISTORY_BOUNDS, bytesMax: 15_000 });
  assert.deepEqual(readdirSync(directory), ["a"]);
  await history.keepWithin({ ...HISTORY_BOUNDS, bytesMax: 1 });
  assert.deepEqual(readdirSync(directory), ["a"]);
});

test("an attachment counts as much as a log, and a record that is damaged keeps nobody from clearing away", async () => {
  const { history, directory } = open();
  const bytes = Buffer.alloc(10_000);
  await history.save(runOf("a"));
  await history.save({ ...runOf("b"), attachments: new Map([[digestOf(bytes), bytes]]) });
  age(directory, "b", 1);
  writeFileSync(join(directory, "a/record.json"), "{");
  await history.keepWithin({ ...HISTORY_BOUNDS, bytesMax: 8000 });
  assert.deepEqual(readdirSync(directory), ["a"]);
});

test("many may write and clear away at once, and each finds whole records only", async () => {
  const { history, directory, workspace } = open();
  const other = new BuildHistory(directory, workspace, systemClock);
  const ids = Array.from({ length: 40 }, (_, i) => `run${i}`);
  await Promise.all(ids.map(async (id, i) => {
    const one = i % 2 === 0 ? history : other;
    await one.save(runOf(id));
    await one.keepWithin({ ...HISTORY_BOUNDS, runsMax: 10 });
    assert.ok(one.list().every((record) => record.version === 1));
  }));
  await history.keepWithin({ ...HISTORY_BOUNDS, runsMax: 10 });
  assert.equal(history.list().length, 10);
  assert.equal(await history.save(runOf(history.list()[0]?.id ?? "")), false, "what is there stays");
});

test("an attachment that was damaged on the disk is not given out", async () => {
  const { history, directory } = open();
  await history.save(runOf("a"));
  const digest = digestOf(attached);
  assert.deepEqual(history.attachment("a", digest), attached);
  writeFileSync(join(directory, "a/attachments", digest.replace(":", "-")), "[]");
  assert.throws(() => history.attachment("a", digest), (error) => error instanceof HistoryError && error.code === "damaged");
});

test("a build is found by its ref, its id, the beginning of that, and by how long ago it was", async () => {
  const { history } = open();
  for (const [i, id] of ["abc1", "abc2", "xyz"].entries()) await history.save(runOf(id, { startedAt: `2026-01-0${i + 1}T00:00:00Z` }));
  assert.deepEqual(["", "^1", "^2", "x", "abc1", refOf("abc2")].map((text) => findRun(history, text).id), ["xyz", "abc2", "abc1", "xyz", "abc1", "abc2"]);
  for (const text of ["abc", "^3", "nobody", "../x"]) assert.throws(() => findRun(history, text), (error) => error instanceof HistoryError && error.code === "missing-input", text);
});

test("filters are those of buildx", () => {
  const { record } = runOf("abc");
  const nowNs = parseRfc3339("2026-01-01T01:00:00Z");
  const passes = (...filters: readonly string[]): boolean => recordFilter(filters, nowNs)(record);
  for (const filter of ["status=completed", "status!=error", "ref~=abc$", "repository~=example", "duration>1m", "startedAt>=2026-01-01T00:00:00Z", "startedAt>2h", "completedAt<58m"]) assert.ok(passes(filter), filter);
  for (const filter of ["status=error", "status!=completed", "ref~=^abc$", "duration<1m30s", "startedAt>30m", "completedAt<=2025-01-01T00:00:00Z"]) assert.ok(!passes(filter), filter);
  assert.ok(!passes("status=completed", "duration>1h"), "all of them count");
  for (const filter of ["status", "status<x", "color=red", "duration~=1m", "duration>long", "startedAt>yesterday", "ref~=("]) assert.throws(() => passes(filter), (error) => error instanceof HistoryError && error.code === "usage", filter);
});

test("filters are refused in buildx's words", () => {
  const refused: ReadonlyArray<readonly [filter: string, message: string]> = [
    ["ref", 'invalid filter "ref"'],
    ["foo=bar", 'unsupported filter "foo=bar"'],
    ["status<x", 'invalid separator for "status<x", expected = or !='],
    ["startedAt=abc", 'invalid separator for "startedAt=abc", expected <=, <, >= or >'],
    ["startedAt>abc", "invalid time abc"],
    ["duration>x", "invalid duration x"],
  ];
  for (const [filter, message] of refused) assert.throws(() => recordFilter([filter], 0n), (error) => error instanceof HistoryError && error.message === message, filter);
});

test("a log is kept up to a bound, and says what is missing", () => {
  const log = new EventLog();
  const [step, at] = [digestOf(attached), new Date(0)];
  for (let i = 0; i < 6; i++) log.add({ kind: "step-output", step, stream: "stdout", bytes: Buffer.alloc(1024 * 1024), at });
  log.add({ kind: "step-finished", step, at });
  const events = [...parseEventLog(log.text())];
  assert.deepEqual(events.map(({ kind }) => kind), [...Array<string>(4).fill("step-output"), "step-finished", "notice"]);
  assert.deepEqual(events[4], { kind: "step-finished", step, at });
});
