import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import { inflateRawSync, zstdDecompressSync } from "node:zlib";
import { compressPart, compressPartSync, roomFor, type PartForm } from "./compress-part.ts";

const NOISE = hash("shake256", "noise", { outputEncoding: "buffer", outputLength: 300_000 });
/** Beside text that shrinks, what stays as large as it is. */
const PARTS = [Buffer.alloc(0), Buffer.of(7), NOISE, Buffer.concat([Buffer.alloc(100_000, "a line of some length, of which there are many, "), NOISE])];
const FORMS: readonly PartForm[] = [{ kind: "deflate", level: 0 }, { kind: "deflate", level: 1 }, { kind: "deflate", level: 9 }, { kind: "zstd", level: 0 }, { kind: "zstd", level: 3 }, { kind: "zstd", level: 16 }];

test("a part becomes the same on a thread of the pool and on one's own, finds room, and comes back as it was", async () => {
  for (const form of FORMS) {
    for (const part of PARTS) {
      const compressed = await compressPart(part, form);
      assert.deepEqual(compressPartSync(part, form), compressed);
      assert.ok(compressed.byteLength <= roomFor(part.byteLength));
      // What another part may follow has no last block: one without bytes ends it here.
      assert.deepEqual(form.kind === "zstd" ? zstdDecompressSync(compressed) : inflateRawSync(Buffer.concat([compressed, Buffer.of(3, 0)])), part);
    }
  }
});

test("what is compressed on one's own thread has its memory to itself", () => {
  for (const form of FORMS) for (const part of PARTS) assert.equal(compressPartSync(part, form).buffer.transfer(0).byteLength, 0);
});

test("a level that is none is told of", async () => {
  await assert.rejects(compressPart(NOISE, { kind: "deflate", level: 99 }), { code: "ERR_OUT_OF_RANGE" });
  assert.throws(() => compressPartSync(NOISE, { kind: "deflate", level: 99 }), { code: "ERR_OUT_OF_RANGE" });
});
