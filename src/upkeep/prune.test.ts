import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesToKeep } from "./prune.ts";
import { humanSize, parseSize } from "./size.ts";
import { UpkeepError } from "./upkeep-error.ts";
import { flagFilter, usageFilter } from "./usage-filter.ts";
import type { UsageRecord } from "./usage-record.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = 1000 * HOUR_MS;

const record: UsageRecord = {
  id: "abc123", type: "regular", parents: ["def"], description: "[2/2] RUN make", sizeBytes: 10, createdMs: 0, usedMs: NOW_MS - 10 * HOUR_MS, useCount: 1, isMutable: false, isInUse: false, remove: async () => true,
};

test("filters are those of buildx", () => {
  const passes = (...filters: readonly string[]): boolean => usageFilter(filters, NOW_MS)(record);
  for (const filter of ["until=9h", "id=c12", "type=regular", "type!=internal", "description~=RUN", "parents=def", "immutable", "private", "inuse=false", "mutable!=true"]) assert.ok(passes(filter), filter);
  for (const filter of ["until=11h", "id=def", "type=internal", "description=RUN", "description~=^RUN", "parents=abc123", "mutable", "shared", "inuse"]) assert.ok(!passes(filter), filter);
  assert.ok(!passes("immutable", "inuse"), "all of them count");
  for (const filter of ["", "type", "color=red", "until=yesterday", "inuse=maybe", "description~=("]) assert.throws(() => passes(filter), UpkeepError, filter);
});

test("filters that were given as flags are refused in buildx's words", () => {
  const refused: ReadonlyArray<readonly [filters: readonly string[], message: string]> = [
    [["until=1h", "until=2h"], "filters expect only one value"],
    [["type=regular", "type=internal"], "filters expect only one value"],
    [["type!=regular", "type!=internal"], "filters expect only one value"],
    [["until=1h", "unused-for=1h"], 'conflicting filters "until" and "unused-for"'],
    [["until=abc"], `"until" filter expects a duration (e.g., '24h'): time: invalid duration "abc"`],
    [["unused-for=5"], `"unused-for" filter expects a duration (e.g., '24h'): time: missing unit in duration "5"`],
  ];
  for (const [filters, message] of refused) assert.throws(() => flagFilter(filters, NOW_MS), (error) => error instanceof UpkeepError && error.message === message, filters.join(" "));
  assert.ok(flagFilter(["type=regular", "type!=internal", "immutable"], NOW_MS)(record));
  assert.ok(flagFilter(["type=regular", "type=regular"], NOW_MS)(record), "the same again is no other");
});

test("so much is kept as BuildKit would", () => {
  const kept = (bounds: Partial<Parameters<typeof bytesToKeep>[1]>): number | undefined => bytesToKeep(100, { reservedBytes: 0, maxUsedBytes: 0, minFreeBytes: 0, ...bounds }, 20);
  assert.equal(kept({}), undefined, "no bound: all goes");
  assert.equal(kept({ maxUsedBytes: 30 }), 30);
  assert.equal(kept({ minFreeBytes: 50 }), 70);
  assert.equal(kept({ minFreeBytes: 10 }), 100, "there is room");
  assert.equal(kept({ maxUsedBytes: 90, minFreeBytes: 50 }), 70);
  assert.equal(kept({ maxUsedBytes: 30, reservedBytes: 40 }), 40);
  assert.equal(kept({ reservedBytes: 40 }), 40);
});

test("sizes are written as Docker writes them, and read as buildx reads them", () => {
  assert.deepEqual([0, 999, 1000, 1_704_300_000].map(humanSize), ["0B", "999B", "1kB", "1.704GB"]);
  assert.deepEqual(["10GB", "512mb", "1.5k", "7", "2GiB"].map(parseSize), [10 * 2 ** 30, 512 * 2 ** 20, 1536, 7, 2 ** 31]);
  assert.deepEqual(["", "GB", "-1", "10 apples"].map(parseSize), Array(4).fill(undefined));
});
