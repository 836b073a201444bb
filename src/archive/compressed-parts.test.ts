import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { describe, test } from "node:test";
import type { ByteStream } from "../content/blob-store.ts";
import { compressPart, type PartForm } from "./compress-part.ts";
import { eventually } from "../testing/eventually.ts";
import { borrowCompressThreads, ThreadSlot } from "./compress-threads.ts";
import { compressedParts, type PartsForm } from "./compressed-parts.ts";
import { gzip } from "./gzip.ts";

const MiB = 1024 * 1024;
const FORMS: readonly PartsForm[] = [{ kind: "deflate", level: 1, partBytes: 512 * 1024 }, { kind: "zstd", level: 1, partBytes: 4 * MiB }];

/** No two parts of it are alike, and some of it does not shrink. */
function content(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes, "a line of text, and ");
  for (let at = 0; at < sizeBytes; at += 4096) createHash("sha256").update(String(at)).digest().copy(bytes, at);
  return bytes;
}

async function* pieces(bytes: Buffer, sizeBytes: number): ByteStream {
  for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes);
}

/** What the parts become, one by one. */
async function each(bytes: Buffer, form: PartForm, partBytes: number): Promise<Buffer> {
  const compressed: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += partBytes) compressed.push(await compressPart(bytes.subarray(at, at + partBytes), form));
  return Buffer.concat(compressed);
}

const ignore = (): void => undefined;

for (const form of FORMS) {
  describe(`parts of ${form.kind}`, () => {
    test("are the same on the threads of a long stream as on those of a short one, whether they are kept or lent", async () => {
      const bytes = content(40 * MiB + 1);
      const expected = await each(bytes, form, form.partBytes);
      const seen = createHash("sha256");
      const kept: Uint8Array[] = [];
      for await (const chunk of compressedParts(pieces(bytes, 1_000_003), form, "kept", (part) => seen.update(part))) kept.push(chunk);
      assert.ok(Buffer.concat(kept).equals(expected));
      assert.equal(seen.digest("hex"), createHash("sha256").update(bytes).digest("hex"));
      const lent: Uint8Array[] = [];
      for await (const chunk of compressedParts(pieces(bytes, 64 * 1024), form, "lent", ignore)) lent.push(Buffer.from(chunk));
      assert.ok(Buffer.concat(lent).equals(expected));
    });
  });
}

test("a part that fails while the reader is busy elsewhere is told when its turn comes", async () => {
  let asked = 0;
  const form: PartsForm = {
    kind: "deflate", partBytes: 512 * 1024,
    get level() {
      return ++asked > 3 ? 99 : 1;
    },
  };
  const read = async (): Promise<void> => {
    // The test runner makes an error of a rejection that nobody handles meanwhile.
    for await (const _chunk of compressedParts(pieces(content(8 * MiB), MiB), form, "lent", ignore)) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await assert.rejects(read(), { code: "ERR_OUT_OF_RANGE" });
});

/** Only Linux tells of threads by their names. */
const skip = process.platform === "linux" ? false : "threads are counted on Linux";

function threads(): number {
  return readdirSync("/proc/self/task").filter((id) => nameOf(id) === "WorkerThread").length;
}

function nameOf(thread: string): string {
  try {
    return readFileSync(`/proc/self/task/${thread}/comm`, "utf8").trim();
  } catch {
    return ""; // It has ended meanwhile.
  }
}

const untilGone = (): Promise<void> => eventually("no thread is left", () => threads() === 0);

describe("threads that compress", { skip }, () => {
  test("are as many as run at a time, however many streams there are, none for a short one, and gone with the last", async () => {
    await untilGone();
    for await (const _chunk of gzip(pieces(content(10 * MiB), MiB), 1)) assert.equal(threads(), 0);
    const bytes = content(40 * MiB);
    let most = 0;
    await Promise.all(Array.from({ length: 4 }, async () => {
      for await (const _chunk of gzip(pieces(bytes, MiB), 1)) most = Math.max(most, threads());
    }));
    assert.ok(most > 0 && most <= availableParallelism(), `${most} threads`);
    await untilGone();
  });

  test("have half as many parts of each of two streams, in less memory together", async () => {
    const bytes = content(60 * MiB);
    const open = (): { readonly chunks: AsyncIterator<Uint8Array>; begun: number } => {
      const stream = { begun: 0, chunks: compressedParts(pieces(bytes, MiB), { kind: "zstd", level: 1, partBytes: 4 * MiB }, "lent", () => void (stream.begun += 1))[Symbol.asyncIterator]() };
      return stream;
    };
    const streams = [open(), open()];
    const ahead: number[] = [];
    for (let read = 1; read <= 12; read++) {
      for (const stream of streams) {
        await stream.chunks.next();
        // By then both have come to the threads.
        if (read >= 6) ahead.push(stream.begun - read + 1);
      }
    }
    assert.equal(Math.max(...ahead), 2);
    for (const { chunks } of streams) await chunks.return?.();
    await untilGone();
  });

  test("are gone after a stream that nobody reads to its end, and one that breaks off", async () => {
    const endless = async function* (breaksAfter: number): ByteStream {
      for (let at = 0; at < breaksAfter; at++) yield Buffer.alloc(MiB, at);
      throw new RangeError("line went dead");
    };
    let seen = 0;
    for await (const _chunk of gzip(endless(Infinity), 1)) if (++seen === 60) break;
    await untilGone();
    await assert.rejects(async () => {
      for await (const _chunk of gzip(endless(30), 1)) seen += 1;
    }, RangeError);
    await untilGone();
  });

  test("that fail say why, and the next stream has others", async () => {
    const borrowed = borrowCompressThreads();
    const bad = new ThreadSlot(borrowed, MiB, { kind: "deflate", level: 99 });
    await assert.rejects(bad.compress(MiB), { code: "ERR_OUT_OF_RANGE" });
    const good = new ThreadSlot(borrowed, MiB, { kind: "deflate", level: 1 });
    assert.deepEqual(Buffer.from(await good.compress(MiB)), await compressPart(Buffer.alloc(MiB), { kind: "deflate", level: 1 }));
    borrowed.giveBack();
    await untilGone();
  });
});
