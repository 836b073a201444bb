import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeSource, encodeSource } from "./source-text.ts";

test("every sequence of two bytes, between others, comes back as it was", () => {
  for (let pair = 0; pair < 0x1_0000; pair++) {
    const bytes = Buffer.from([0x61, pair >> 8, pair & 0xff, 0xe2, 0x82, 0xac]);
    assert.deepEqual(encodeSource(decodeSource(bytes)), bytes);
  }
});

test("a broken sequence is replaced byte by byte, as Go does", () => {
  const cases: ReadonlyArray<readonly [bytes: readonly number[], text: string]> = [
    [[0xff], "\ufffd"],
    [[0xe2, 0x82], "\ufffd\ufffd"],
    [[0xe2, 0x82, 0x41], "\ufffd\ufffdA"],
    [[0xed, 0xa0, 0x80], "\ufffd\ufffd\ufffd"],
    [[0xc0, 0xaf], "\ufffd\ufffd"],
    [[0xf0, 0x9f, 0x9a, 0x80, 0x80], "🚀\ufffd"],
    [[0xef, 0xbb, 0xbf, 0x41], "\ufeffA"],
  ];
  for (const [bytes, text] of cases) assert.equal(decodeSource(Uint8Array.from(bytes)).toWellFormed(), text);
});

test("only a text with a broken sequence is ill-formed", () => {
  assert.ok(decodeSource(Buffer.from("é🚀\ufffd")).isWellFormed());
  assert.ok(!decodeSource(Buffer.from([0x80])).isWellFormed());
});
