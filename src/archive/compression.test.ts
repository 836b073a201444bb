import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import type { ByteStream } from "../content/blob-store.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { ArchiveError } from "./archive-error.ts";
import { compressionOf, decompress } from "./decompress.ts";
import { gzip } from "./gzip.ts";
import { zstd } from "./zstd.ts";

const LIMIT_BYTES = 64 * 1024 * 1024;
const sample = sampleBytes(3_000_000);

test("compresses to one member that every gunzip reads", async () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-gzip-"));
  for (const bytes of [Buffer.alloc(0), Buffer.from("a"), sample, sample.subarray(0, 1024 * 1024)]) {
    const compressed = await collectBytes(gzip(bytesOf(bytes), 6), LIMIT_BYTES);
    assert.deepEqual(gunzipSync(compressed), bytes);
    const path = join(scratch.path, "a.gz");
    writeFileSync(path, compressed);
    const tested = spawnSync("gzip", ["-tv", path], { encoding: "utf8" });
    assert.equal(tested.status, 0, tested.stderr);
  }
});

test("the same input gives the same bytes, however it arrives", async () => {
  const digests = new Set<string>();
  for (const size of [sample.length, 1, 4096, 100_003, 512 * 1024, 700_000]) {
    const bytes = size === 1 ? pieces(sample.subarray(0, 2000), 1) : pieces(sample.subarray(0, 2000), size);
    digests.add(createHash("sha256").update(await collectBytes(gzip(bytes, 6), LIMIT_BYTES)).digest("hex"));
  }
  assert.equal(digests.size, 1);
  const [whole, cut] = await Promise.all([sample.length, 100_003].map((size) => collectBytes(gzip(pieces(sample, size), 6), LIMIT_BYTES)));
  assert.deepEqual(whole, cut);
});

test("a long zstd stream has frames for several threads, which are the same however the bytes arrive", async () => {
  const long = Buffer.concat([Buffer.alloc(14_000_000, "a line of text, and "), sample, Buffer.from("end")]);
  const [whole, cut, small] = await Promise.all([long.length, 100_003, 4096].map((size) => collectBytes(zstd(pieces(long, size), 3), LIMIT_BYTES)));
  assert.deepEqual([cut, small], [whole, whole]);
  assert.ok((whole?.length ?? 0) < zstdCompressSync(long).length * 1.05);
  assert.deepEqual(await collectBytes(decompress(bytesOf(whole ?? Buffer.alloc(0))), LIMIT_BYTES), long);
  for (const level of [0, 9, 19]) assert.deepEqual(await collectBytes(decompress(zstd(bytesOf(sample), level)), LIMIT_BYTES), sample);
  assert.deepEqual(await collectBytes(decompress(zstd(bytesOf(), 3)), 1), Buffer.alloc(0));
  const frames = (bytes: Buffer): number => bytes.toString("latin1").split("\x28\xb5\x2f\xfd").length - 1;
  assert.deepEqual([frames(whole ?? Buffer.alloc(0)), frames(await collectBytes(zstd(bytesOf(Buffer.alloc(9_000_000)), 17), LIMIT_BYTES))], [5, 1]);
});

test("compresses nearly as well as in one piece, and better at a higher level", async () => {
  const [fast, normal] = await Promise.all([1, 6].map((level) => collectBytes(gzip(bytesOf(sample), level), LIMIT_BYTES)));
  assert.ok((normal?.length ?? 0) < gzipSync(sample, { level: 6 }).length * 1.05);
  assert.ok((normal?.length ?? 0) < (fast?.length ?? 0));
});

test("stopping early, and a source that breaks off, leave nothing running", async () => {
  let cleaned = 0;
  const source = async function* (breaks: boolean): ByteStream {
    try {
      for (let at = 0; at < 100; at += 1) {
        yield sample.subarray(0, 600_000);
        if (breaks && at === 3) throw new Error("line went dead");
      }
    } finally {
      cleaned += 1;
    }
  };
  for await (const _chunk of gzip(source(false), 1)) break;
  // The first chunk is the header: nothing was asked of the source.
  await assert.rejects(collectBytes(gzip(source(true), 1), LIMIT_BYTES), /line went dead/);
  let chunks = 0;
  for await (const _chunk of gzip(source(false), 1)) if (++chunks === 3) break;
  assert.equal(cleaned, 2);
});

test("decompresses by what the bytes are", async () => {
  const cases: ReadonlyArray<readonly [string, Buffer]> = [
    ["gzip", gzipSync(sample)],
    ["gzip", Buffer.concat([gzipSync(sample.subarray(0, 1000)), gzipSync(sample.subarray(1000))])],
    ["zstd", zstdCompressSync(sample)],
    ["zstd", Buffer.concat([zstdCompressSync(sample.subarray(0, 1000)), zstdCompressSync(sample.subarray(1000))])],
    ["zstd", Buffer.concat([skippableFrame(), zstdCompressSync(sample), skippableFrame()])],
    ["none", sample],
  ];
  for (const [kind, bytes] of cases) {
    assert.equal(compressionOf(bytes), kind);
    for (const size of [bytes.length, 1000]) assert.deepEqual(await collectBytes(decompress(pieces(bytes, size)), LIMIT_BYTES), sample);
  }
});

test("short streams are what they are", async () => {
  for (const bytes of [Buffer.alloc(0), Buffer.of(0x1f), Buffer.of(0x1f, 0x8b), Buffer.from("abc")]) {
    assert.deepEqual(await collectBytes(decompress(bytesOf(bytes)), 10), bytes);
  }
});

test("damaged and cut streams are refused", async () => {
  const damaged = gzipSync(sample);
  damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 0xff;
  for (const bytes of [damaged, gzipSync(sample).subarray(0, 5000), zstdCompressSync(sample).subarray(0, 5000)]) {
    await assert.rejects(collectBytes(decompress(bytesOf(bytes)), LIMIT_BYTES), (error) => error instanceof ArchiveError && error.code === "corrupt");
  }
});

test("an error of the source is passed on as it is, and the source cleans up when reading stops", async () => {
  let cleaned = 0;
  const source = async function* (bytes: Buffer, breaks: boolean): ByteStream {
    try {
      for (let at = 0; at < bytes.length; at += 10_000) {
        yield bytes.subarray(at, at + 10_000);
        if (breaks) throw new RangeError("line went dead");
      }
    } finally {
      cleaned += 1;
    }
  };
  for (const bytes of [gzipSync(sample), zstdCompressSync(sample), sample]) {
    await assert.rejects(collectBytes(decompress(source(bytes, true)), LIMIT_BYTES), RangeError);
    for await (const _chunk of decompress(source(bytes, false))) break;
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(cleaned, 6);
});

async function* pieces(bytes: Buffer, size: number): ByteStream {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Text-like: compressible, and not all the same. */
function sampleBytes(length: number): Buffer {
  const words = Array.from({ length: 500 }, (_, at) => createHash("sha256").update(String(at)).digest("hex").slice(0, 3 + (at % 9)));
  let text = "";
  let seed = 1;
  while (text.length < length) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    text += `${words[(seed >>> 8) % 500]} `;
  }
  return Buffer.from(text.slice(0, length));
}

function skippableFrame(): Buffer {
  return Buffer.concat([Buffer.of(0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0), Buffer.from("note")]);
}

test("a bomb is refused as it goes off, and what is only large is not", async () => {
  const limit = { freeBytes: 8 * 1024 * 1024, ratioMax: 200 };
  const zeros = Buffer.alloc(32 * 1024 * 1024);
  for (const bomb of [gzipSync(zeros), zstdCompressSync(zeros)]) {
    let seenBytes = 0;
    await assert.rejects(async () => {
      for await (const chunk of decompress(bytesOf(bomb), limit)) seenBytes += chunk.byteLength;
    }, { code: "too-large" });
    assert.ok(seenBytes <= limit.freeBytes, `${seenBytes} bytes`);
    assert.equal((await collectBytes(decompress(bytesOf(bomb)), LIMIT_BYTES)).length, zeros.length);
  }
  const dense = gzipSync(Buffer.concat([sample, Buffer.alloc(9 * 1024 * 1024)]));
  assert.ok((await collectBytes(decompress(bytesOf(dense), limit), LIMIT_BYTES)).length > limit.freeBytes);
});
