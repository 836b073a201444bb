import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "./digest.ts";
import { SizedHash } from "./sized-hash.ts";

const bytes = Buffer.from("some words");

function sumOf(sizeBytes: number, chunks: readonly Buffer[]): { readonly isTaken: boolean; readonly digest: string | undefined } {
  const sum = new SizedHash(sizeBytes);
  const isTaken = chunks.every((chunk) => sum.update(chunk));
  return { isTaken, digest: sum.digest() };
}

test("the digest is that of all chunks, however they come", () => {
  for (const chunks of [[bytes], [bytes.subarray(0, 4), bytes.subarray(4)], [bytes, Buffer.alloc(0)], [Buffer.alloc(0), bytes]]) {
    assert.deepEqual(sumOf(bytes.length, chunks), { isTaken: true, digest: digestOf(bytes) });
  }
  for (const chunks of [[], [Buffer.alloc(0)]]) assert.deepEqual(sumOf(0, chunks), { isTaken: true, digest: digestOf(Buffer.alloc(0)) });
});

test("less or more than was announced has none", () => {
  assert.deepEqual(sumOf(bytes.length + 1, [bytes]), { isTaken: true, digest: undefined });
  assert.deepEqual(sumOf(bytes.length - 1, [bytes]), { isTaken: false, digest: undefined });
  assert.deepEqual(sumOf(bytes.length, [bytes, bytes]), { isTaken: false, digest: undefined });
});

test("a chunk is not kept", () => {
  const whole = Buffer.from(bytes);
  const sum = new SizedHash(whole.length);
  sum.update(whole);
  whole.fill(0);
  assert.equal(sum.digest(), digestOf(bytes));
});
