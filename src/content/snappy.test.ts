import assert from "node:assert/strict";
import { test } from "node:test";
import { unsnappy } from "./snappy.ts";

const bytes = (...parts: ReadonlyArray<string | readonly number[]>): Buffer => Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part))));

test("a block is what Go's encoder made it from", () => {
  // Of github.com/golang/snappy.
  const block = Buffer.from("uAFUeyJhIjoidGhlIHNhbWUgd29yZHMsIHYQAAwgYW5kASNcbiBzb21lIG90aGVycyAwMTIzNDU2Nzg5/gsAXgsALDAxMjM0NTY3ODkifQ==", "base64");
  assert.equal(unsnappy(block, 1000).toString(), `{"a":"${"the same words, ".repeat(3).slice(0, -2)} and then some others ${"0123456789 ".repeat(8)}01234567890123456789"}`);
});

test("a block has literals of any length, and copies near and far", () => {
  const long = "x".repeat(300);
  assert.equal(unsnappy(bytes([0]), 10).toString(), "");
  assert.equal(unsnappy(bytes([0xac, 0x02], [61 << 2, 0x2b, 0x01], long), 1000).toString(), long);
  assert.equal(unsnappy(bytes([12], [2 << 2], "abc", [(1 << 2) | 1, 3], [(3 << 2) | 2, 5, 0]), 100).toString(), "abcabcababca");
  assert.equal(unsnappy(bytes([8], [3 << 2], "wxyz", [(3 << 2) | 3, 4, 0, 0, 0]), 100).toString(), "wxyzwxyz");
});

test("what is no block, or too large, is told as that", () => {
  for (const [block, says] of [
    [[], /ends too early/], [[0xff, 0xff, 0xff, 0xff, 0xff, 0x01], /no length/], [[5, 2 << 2, 97, 98, 99], /shorter than it says/], [[2, 2 << 2, 97, 98, 99], /longer than it says/], [[3, 2 << 2, 97], /ends too early/],
    [[8, 0, 97, (3 << 2) | 2, 2, 0], /copies what is not there/], [[5, 0, 97, 1, 0], /copies what is not there/], [[0xe9, 0x07], /more than 1000 bytes/],
  ] as const) assert.throws(() => unsnappy(Buffer.from(block), 1000), says);
});
