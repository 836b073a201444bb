import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import { createDeflateRaw, createGunzip, createZstdCompress, deflateRawSync, zstdDecompressSync } from "node:zlib";
import { compressPart } from "./compress-part.ts";

/** Beside text that shrinks, what stays as large as it is. */
const part = Buffer.concat([Buffer.alloc(100_000, "a line of some length, of which there are many, "), hash("shake256", "noise", { outputEncoding: "buffer", outputLength: 300_000 })]);

test("what comes in one buffer stays in it, and what comes in several is put together", async () => {
  for (const chunkSize of [1024 * 1024, 64 * 1024, 64]) {
    assert.deepEqual(await compressPart(createDeflateRaw({ chunkSize }), part), deflateRawSync(part));
    assert.deepEqual(zstdDecompressSync(await compressPart(createZstdCompress({ chunkSize }), part)), part);
  }
  // zstd ends a frame with a piece of its own.
  assert.equal((await compressPart(createZstdCompress({ chunkSize: 1024 * 1024 }), part)).buffer.byteLength, 1024 * 1024);
  assert.deepEqual(zstdDecompressSync(await compressPart(createZstdCompress(), Buffer.alloc(0))), Buffer.alloc(0));
});

test("a compressor that fails is told of", async () => {
  await assert.rejects(compressPart(createGunzip(), part), { code: "Z_DATA_ERROR" });
});
