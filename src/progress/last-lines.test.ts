import assert from "node:assert/strict";
import { test } from "node:test";
import { LastLines } from "./last-lines.ts";

const at = (ms: number): Date => new Date(1_700_000_000_000 + ms);

test("the last ten lines have the times at which they began", () => {
  const last = new LastLines(at(0));
  last.add(Buffer.from("one\ntw"), at(10));
  last.add(Buffer.from("o\n"), at(20));
  assert.deepEqual(last.lines, ["0.010 one", "0.010 two"]);
  last.add(Buffer.from(Array.from({ length: 12 }, (_, i) => `line ${i}\n`).join("")), at(12_340));
  last.add(Buffer.from("and th"), at(123_456));
  assert.deepEqual(last.lines, [...Array.from({ length: 9 }, (_, i) => `12.34 line ${i + 3}`), "123.5 and th"]);
});

test("a letter may come in two pieces, and a line without an end takes no room without an end", () => {
  const last = new LastLines(at(0));
  const bytes = Buffer.from("ü\n");
  last.add(bytes.subarray(0, 1), at(0));
  last.add(bytes.subarray(1), at(1));
  assert.deepEqual(last.lines, ["0.001 ü"]);
  for (let i = 0; i < 100; i++) last.add(Buffer.alloc(1000, "x"), at(2));
  assert.equal(last.lines.at(-1)?.length, 16 * 1024);
});
