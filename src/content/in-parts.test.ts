import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf } from "./bytes.ts";
import { inParts } from "./in-parts.ts";

async function partsOf(texts: readonly string[], sizeBytes: number): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const part of inParts(bytesOf(...texts.map((text) => Buffer.from(text))), () => Buffer.alloc(sizeBytes))) found.push(part.toString());
  return found;
}

test("parts are cut at fixed distances, wherever chunks end, and only the last is shorter", async () => {
  for (const texts of [["abcdefgh"], ["a", "b", "c", "d", "e", "f", "g", "h"], ["abc", "", "def", "gh"]]) {
    assert.deepEqual(await partsOf(texts, 3), ["abc", "def", "gh"]);
    assert.deepEqual(await partsOf(texts, 4), ["abcd", "efgh"]);
    assert.deepEqual(await partsOf(texts, 9), ["abcdefgh"]);
  }
  assert.deepEqual([await partsOf([], 3), await partsOf([""], 3)], [[], []]);
});

test("memory is asked for when bytes come for it, and may be the same again", async () => {
  const room = Buffer.alloc(2);
  let asked = 0;
  const take = (): Buffer => {
    asked += 1;
    return room;
  };
  const found: string[] = [];
  for await (const part of inParts(bytesOf(Buffer.from("abcd")), take)) found.push(`${asked} ${part.toString()}`);
  assert.deepEqual([found, asked], [["1 ab", "2 cd"], 2]);
});
