import assert from "node:assert/strict";
import { mkdtempDisposableSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { directory, file, hardLink, opaque, special, symlink, whiteout } from "../testing/layer-samples.ts";
import { ContentDigests, writeContentDigests } from "./content-digests.ts";
import { readIndex, readSummary, summaryOf, writeIndex, type LayerIndex } from "./layer-index.ts";
import { LayerStoreError } from "./layer-store-error.ts";
import { processorMs } from "../testing/processor-time.ts";

const signal = new AbortController().signal;
const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-index-"));
after(() => scratch.remove());
const path = (name: string): string => join(scratch.path, name);

const ENTRIES = [
  directory("d", { mtimeNs: -1n }), file("d/f", "x", { uid: 4_000_000_000, mtimeNs: 1_700_000_000_123_456_789n, xattrs: new Map([["user.a", Buffer.of(0, 255)], ["user.b", Buffer.alloc(0)]]) }),
  hardLink("d/h", "d/f"), symlink("s\uDCFF\u{1f600}", "t\n\uDC80"), special("n", "char", { major: 259, minor: 70_000 }), special("p", "fifo"), whiteout("w"), opaque("d"),
].map(({ entry }) => entry);

test("every entry is read back as it was", async () => {
  const index = indexOf(ENTRIES);
  await writeIndex(path("all"), index, signal);
  assert.deepEqual(await readIndex(path("all"), signal), index);
  assert.deepEqual(await readSummary(path("all")), summaryOf(index));
});

test("a layer without entries is one", async () => {
  await writeIndex(path("empty"), indexOf([]), signal);
  assert.deepEqual((await readIndex(path("empty"), signal)).entries, []);
});

test("100,000 entries are read in well under half a second, and block nobody for long", async () => {
  const many = Array.from({ length: 100_000 }, (_, at) => file(`usr/lib/module-${at % 300}/file-${at}.js`, "", { mtimeNs: BigInt(at) * 1_000_000_007n }).entry);
  await writeIndex(path("many"), indexOf(many), signal);
  let longestMs = 0;
  let lastMs = processorMs();
  const watch = setInterval(() => {
    longestMs = Math.max(longestMs, processorMs() - lastMs);
    lastMs = processorMs();
  }, 1);
  const startMs = processorMs();
  const index = await readIndex(path("many"), signal);
  const tookMs = processorMs() - startMs;
  clearInterval(watch);
  assert.equal(index.entries.length, 100_000);
  // Both with room for a slow machine.
  assert.ok(tookMs < 1000, `${tookMs} ms`);
  assert.ok(longestMs < 250, `${longestMs} ms in one go`);
});

test("an index that ends too early, or is of a later version, is refused", async () => {
  await writeIndex(path("cut"), indexOf(ENTRIES), signal);
  const text = readFileSync(path("cut"), "utf8");
  writeFileSync(path("cut"), text.slice(0, text.indexOf("\n") + 1));
  await assert.rejects(readIndex(path("cut"), signal), (error) => error instanceof LayerStoreError && error.code === "damaged-layer");
  writeFileSync(path("cut"), text.replace('"version":1', '"version":2'));
  await assert.rejects(readIndex(path("cut"), signal), (error) => error instanceof LayerStoreError && error.code === "newer-state");
});

test("digests are known to whoever looks later; damaged and half-written ones are not", async () => {
  const [a, b, c] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer, Buffer];
  await writeContentDigests(path("digests"), [a, undefined, b], signal);
  const digests = new ContentDigests(path("digests"));
  digests.add(new Map([[1, c], [5, c]]));
  const known = (): Array<string | undefined> => [0, 1, 2, 3, 4, 5, 6].map((number) => new ContentDigests(path("digests")).get(number)?.slice(7, 9));
  assert.deepEqual(known(), ["01", "03", "02", undefined, undefined, "03", undefined]);
  const bytes = readFileSync(path("digests"));
  bytes[40] = 9;
  writeFileSync(path("digests"), bytes.subarray(0, bytes.length - 1));
  assert.deepEqual(known(), ["01", undefined, "02", undefined, undefined, undefined, undefined]);
  assert.equal(digests.get(1)?.slice(7, 9), "03");
});

function indexOf(entries: LayerIndex["entries"]): LayerIndex {
  return {
    form: "tar", entries, offsets: entries.map((_, at) => at * 512), impliesDirectories: true, saysRoot: false, hasWhiteouts: true,
    contentBytes: entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), tarBytes: 2 ** 40,
  };
}
