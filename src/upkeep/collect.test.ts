import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { FileLeases } from "../syscall/file-leases.ts";
import { collect } from "./collect.ts";
import type { CollectionPolicy } from "./collection-policy.ts";

const HOUR_MS = 3_600_000;
const never = new AbortController().signal;

let root = "";
let blobs = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "stemma-collect-"));
  blobs = join(root, "blobs", "sha256");
  for (const path of [blobs, join(root, "layers", "layers")]) mkdirSync(path, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function policy(said: Partial<CollectionPolicy>): CollectionPolicy {
  return { all: true, keepMs: 0, filters: [], reserved: { bytes: 0 }, maxUsed: { bytes: 0 }, minFree: { bytes: 0 }, ...said };
}

function blob(name: string, sizeBytes: number, ageMs = 0): void {
  writeFileSync(join(blobs, name), "x".repeat(sizeBytes));
  const used = new Date(Date.now() - ageMs);
  utimesSync(join(blobs, name), used, used);
}

const left = (): readonly string[] => readdirSync(blobs).toSorted();
const settledUntilMs = (): unknown => (JSON.parse(readFileSync(join(root, "collected.json"), "utf8")) as { readonly untilMs: unknown }).untilMs;

test("policies are applied in their order, each to what the ones before it left", async () => {
  blob("old", 10, 3 * HOUR_MS);
  blob("middle", 10, 2 * HOUR_MS);
  blob("new", 10);
  await collect(root, [policy({ keepMs: 2.5 * HOUR_MS }), policy({ maxUsed: { bytes: 20 } })], never);
  assert.deepEqual(left(), ["middle", "new"], "the second finds its bound kept");
  await collect(root, [policy({ maxUsed: { bytes: 10 }, all: false }), policy({ filters: ["id~=mid"] })], never);
  assert.deepEqual(left(), ["new"], "without `all`, blobs stay");
});

test("nothing is counted while the store is what it was when nothing was due", async () => {
  blob("a", 10);
  const bound = [policy({ maxUsed: { bytes: 20 } })];
  await collect(root, bound, never);
  assert.equal(settledUntilMs(), null);
  // No directory changes by it: who does not count does not see it.
  blob("a", 30);
  await collect(root, bound, never);
  assert.deepEqual(left(), ["a"]);
  blob("b", 10);
  await collect(root, bound, never);
  assert.deepEqual(left(), ["b"], "something was written");
  await collect(root, [policy({ maxUsed: { bytes: 5 } })], never);
  assert.deepEqual(left(), [], "the settings are others");
});

test("it is counted again once something comes of age", async () => {
  blob("a", 10, HOUR_MS);
  blob("b", 10);
  const usedMs = Date.now() - HOUR_MS;
  await collect(root, [policy({ keepMs: 2 * HOUR_MS })], never);
  const untilMs = Number(settledUntilMs());
  assert.ok(Math.abs(untilMs - (usedMs + 2 * HOUR_MS)) < 5000, String(untilMs));
  blob("a", 10, 3 * HOUR_MS);
  const path = join(root, "collected.json");
  await collect(root, [policy({ keepMs: 2 * HOUR_MS })], never);
  assert.deepEqual(left(), ["a", "b"], "not yet");
  writeFileSync(path, readFileSync(path, "utf8").replace(String(untilMs), String(Date.now() - 1)));
  await collect(root, [policy({ keepMs: 2 * HOUR_MS })], never);
  assert.deepEqual(left(), ["b"]);
});

test("it is counted again where what had to go was in use", async () => {
  blob("a", 10);
  const bound = [policy({ maxUsed: { bytes: 5 } })];
  {
    using leases = new FileLeases();
    leases.hold(join(blobs, "a"));
    await collect(root, bound, never);
    assert.deepEqual(left(), ["a"]);
    assert.ok(!existsSync(join(root, "collected.json")));
  }
  await collect(root, bound, never);
  assert.deepEqual(left(), []);
});

test("a disk that is too full is seen even where the store is what it was", async () => {
  const full = [policy({ minFree: { bytes: 2 ** 60 } })];
  const same = (): void => utimesSync(blobs, 1, 1);
  same();
  await collect(root, full, never);
  assert.equal(settledUntilMs(), null, "there was nothing to take");
  blob("a", 10);
  same();
  await collect(root, full, never);
  assert.deepEqual(left(), []);
});

test("a record of the last collection that is none is as good as no record", async () => {
  for (const text of ["", "null", "{", '{"seen":1}']) {
    writeFileSync(join(root, "collected.json"), text);
    blob("a", 10);
    await collect(root, [policy({ maxUsed: { bytes: 5 } })], never);
    assert.deepEqual(left(), [], text);
  }
});
