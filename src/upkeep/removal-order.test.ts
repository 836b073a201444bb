import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../testing/seeded-random.ts";
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

/** The rule as it is said, with nothing remembered: what goes of these, one after the other, where what `stays` says is passed over. */
function orderAsSaid(records: readonly UsageRecord[], stays: (record: UsageRecord) => boolean): string {
  const rankIn = (values: readonly number[], value: number): number => 1 + new Set(values.filter((each) => each > 0 && each <= value)).size;
  let left = [...records];
  let waiting = [...records];
  const text: string[] = [];
  for (;;) {
    const free = waiting.filter(({ id }) => !left.some(({ parents }) => parents.includes(id))).toSorted((a, b) => a.usedMs - b.usedMs);
    const [ages, counts] = [free.map(({ usedMs }) => usedMs), free.map(({ useCount }) => useCount)];
    const [oldest, most] = [rankIn(ages, Math.max(...ages)), rankIn(counts, Math.max(...counts))];
    const ranked = free.map((record) => ({ record, age: rankIn(ages, record.usedMs), count: rankIn(counts, record.useCount) }));
    const [next] = ranked.map((each) => ({ ...each, score: each.age / oldest + each.count / most })).toSorted((a, b) => a.score - b.score || a.age - b.age || a.count - b.count);
    if (next === undefined) return text.join(" ");
    text.push(next.record.id);
    waiting = waiting.filter((record) => record !== next.record);
    if (!stays(next.record)) left = left.filter((record) => record !== next.record);
  }
}

test("is the order of the rule, whatever there is", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = new SeededRandom(seed);
    const [ages, uses] = [random.pick([3, 10, 1000]), random.pick([2, 8, 1000])];
    const ids = Array.from({ length: 1 + random.below(30) }, (_, i) => `r${i}`);
    const records = ids.map((id, i) => record(id, random.below(ages), random.below(uses), i === 0 ? [] : ids.slice(0, i).filter(() => random.below(2 * i) === 0)));
    const mixed = records.toSorted((a, b) => (a.useCount * 7 + a.usedMs) % 5 - (b.useCount * 7 + b.usedMs) % 5);
    const stays = ({ usedMs, useCount }: UsageRecord): boolean => (usedMs + useCount) % 7 === 3;
    const removal = new RemovalOrder(mixed, mixed);
    const text: string[] = [];
    for (let next = removal.next(); next !== undefined; next = removal.next()) {
      text.push(next.id);
      if (stays(next)) removal.pass(next);
      else removal.took(next);
    }
    assert.equal(text.join(" "), orderAsSaid(mixed, stays), `seed ${seed}`);
  }
});

test("ten thousand records, each older the more it was used, are put in order in no time that anybody notices", { timeout: 20_000 }, () => {
  const records = Array.from({ length: 10_000 }, (_, i) => record(`${i}`, 1 + i, 20_000 - i, i % 3 === 0 ? [] : [`${i - 1}`]));
  const removal = new RemovalOrder(records, records);
  let count = 0;
  for (let next = removal.next(); next !== undefined; next = removal.next()) {
    removal.took(next);
    count++;
  }
  assert.equal(count, 10_000);
});
