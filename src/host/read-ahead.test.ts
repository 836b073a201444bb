import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readAhead } from "./read-ahead.ts";

const MIB = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), "stemma-read-ahead-"));
const path = join(folder, "file");
/** No two places are alike, so that a piece that was read into another's place shows. */
const bytes = Buffer.alloc(5 * MIB + 77);
for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.writeUInt32LE(at * 2654435761 % 4294967296, at);
writeFileSync(path, bytes);
const fd = openSync(path, "r");

after(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

/** Copied at once, after the next read had its time. */
async function readAll(offsetBytes: number, sizeBytes: number, lent: boolean): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of readAhead({ fd, offsetBytes, sizeBytes, lent })) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    pieces.push(Buffer.from(piece));
  }
  return Buffer.concat(pieces);
}

for (const lent of [false, true]) {
  test(`any part of a file comes as it is, ${lent ? "lent" : "kept"}, less where the file ends before`, async () => {
    for (const [offset, size] of [[0, Infinity], [0, bytes.length], [0, 3 * MIB], [0, 3 * MIB + 1], [5, 2 * MIB + 11], [MIB, 1], [0, 0], [4 * MIB, 3 * MIB], [9 * MIB, 1]] as const) {
      assert.ok((await readAll(offset, size, lent)).equals(bytes.subarray(offset, offset + size)), `${offset} ${size}`);
    }
  });
}

test("kept pieces stay as they are, and lent ones lie in two buffers", async () => {
  const kept = await Array.fromAsync(readAhead({ fd, offsetBytes: 0, sizeBytes: Infinity, lent: false }));
  assert.ok(Buffer.concat(kept).equals(bytes));
  const buffers = new Set<ArrayBufferLike>();
  for await (const piece of readAhead({ fd, offsetBytes: 0, sizeBytes: Infinity, lent: true })) buffers.add(piece.buffer);
  assert.equal(buffers.size, 2);
});

test("whoever stops may close the file at once", async () => {
  for (let round = 0; round < 50; round++) {
    const own = openSync(path, "r");
    for await (const _piece of readAhead({ fd: own, offsetBytes: 0, sizeBytes: Infinity, lent: true })) break;
    closeSync(own);
  }
});

test("what cannot be read is an error", async () => {
  const own = openSync(folder, "r");
  await assert.rejects(Array.fromAsync(readAhead({ fd: own, offsetBytes: 0, sizeBytes: 10, lent: false })), { code: "EISDIR" });
  closeSync(own);
});
