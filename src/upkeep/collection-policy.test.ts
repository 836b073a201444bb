import assert from "node:assert/strict";
import { test } from "node:test";
import { policyFilter, resolvePolicy } from "./collection-policy.ts";
import type { UsageRecord } from "./usage-record.ts";

const record: UsageRecord = { id: "abc", type: "regular", parents: [], description: "RUN a, b", sizeBytes: 1, createdMs: 0, useCount: 1, usedMs: 0, isMutable: false, isInUse: false, remove: async () => true };

test("of a policy's filters one must pass, and of one filter all parts", () => {
  const passes = (...filters: readonly string[]): boolean => policyFilter(filters)(record);
  assert.ok(passes());
  assert.ok(passes("type==exec.cachemount", "type==regular"));
  assert.ok(!passes("type==exec.cachemount,type==regular"));
  assert.ok(passes("type==regular,immutable"));
  assert.ok(passes('description=="RUN a, b",type==regular'), "a quoted comma parts nothing");
  assert.ok(!passes("type==source.local"), "a type of BuildKit's that we have not");
});

test("a part of the disk is rounded up to full GB, as BuildKit does", () => {
  const bytes = (percent: number, more = {}): number => resolvePolicy({ all: false, keepMs: 0, filters: [], reserved: { percent, ...more }, maxUsed: { bytes: 7 }, minFree: { bytes: 0 } }, 100 * 2 ** 30).reservedBytes;
  assert.deepEqual([bytes(0), bytes(10), bytes(80)], [0, 11e9, 81e9]);
  assert.equal(bytes(80, { maxBytes: 5e9 }), 5e9);
});
