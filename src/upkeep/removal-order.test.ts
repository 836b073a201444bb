import assert from "node:assert/strict";
import { test } from "node:test";
import { RemovalOrder } from "./removal-order.ts";
import type { UsageRecord } from "./usage-record.ts";

function record(id: string, usedMs: number, useCount: number, parents: readonly string[] = []): UsageRecord {
  return { id, type: "regular", parents, description: "", sizeBytes: 1, createdMs: 0, usedMs, useCount, isMutable: false, isInUse: false, remove: async () => true };
}

function order(...records: readonly UsageRecord[]): string {
  const removal = new RemovalOrder(records, records);
  let text = "";
  for (let next = removal.next(); next !== undefined; next = removal.next()) {
    text += next.id;
    removal.took(next);
  }
  return text;
}

test("what was used for the last time before goes first, among what was used as often", () => {
  assert.equal(order(record("b", 2, 1), record("c", 3, 1), record("a", 1, 1)), "abc");
});

test("what was used often goes after what is younger and was used once", () => {
  assert.equal(order(record("a", 1, 9), record("b", 2, 1)), "ab", "old and often is as good as young and seldom: the older one goes");
  assert.equal(order(record("a", 1, 9), record("b", 2, 1), record("c", 3, 1)), "bac", "the oldest is used so often that the next one goes before it");
  assert.equal(order(record("d", 4, 1), record("c", 3, 1), record("b", 2, 8), record("a", 1, 9)), "cabd", "in whatever order they are told");
});

test("nothing goes before what was made of it", () => {
  assert.equal(order(record("a", 1, 1), record("b", 2, 1, ["a"]), record("c", 3, 1, ["b", "a"])), "cba");
});

test("what stays keeps what it was made of", () => {
  const [a, b] = [record("a", 1, 1), record("b", 2, 1, ["a"])];
  const removal = new RemovalOrder([a, b], [a, b]);
  assert.equal(removal.next(), b);
  removal.pass(b);
  assert.equal(removal.next(), undefined);
});
