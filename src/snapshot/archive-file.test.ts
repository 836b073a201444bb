import assert from "node:assert/strict";
import { readFileSync, rmSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { digestOf } from "../content/digest.ts";
import { ArchiveFile } from "./archive-file.ts";

const MIB = 1024 * 1024;

test("what was appended lies in the file, in pieces of any size, whatever becomes of a chunk afterwards", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "stemma-archive-file-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [number, sizes] of [[], [1, 511, 512], [MIB], [MIB - 1, 1, 1], [3 * MIB + 5, 7, MIB, 0, 5 * MIB], Array.from({ length: 40 }, (_, i) => (i * 77_777) % (2 * MIB))].entries()) {
    const path = join(folder, String(number));
    const expected: Buffer[] = [];
    await using archive = await ArchiveFile.create(path);
    for (const [at, size] of sizes.entries()) {
      const chunk = Buffer.alloc(size, `${number} ${at} `);
      expected.push(Buffer.from(chunk));
      await archive.append(chunk);
      chunk.fill(0);
    }
    const whole = Buffer.concat(expected);
    assert.equal(await archive.finish(), digestOf(whole));
    assert.equal(archive.sizeBytes, whole.length);
    assert.ok(readFileSync(path).equals(whole), `${number}`);
  }
});

test("a write that fails is told, and not only to who comes last", async () => {
  // What is written to it is refused for want of space.
  const chunk = Buffer.alloc(MIB);
  const archive = await ArchiveFile.create("/dev/full", "w");
  await assert.rejects(async () => {
    for (let i = 0; i < 3; i++) await archive.append(chunk);
  }, { code: "ENOSPC" });
  await assert.rejects(archive.finish(), { code: "ENOSPC" });
  await archive[Symbol.asyncDispose]();
});
