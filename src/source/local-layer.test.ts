import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { collectBytes } from "../content/bytes.ts";
import { systemClock } from "../host/clock.ts";
import { openDirectory } from "../session/directory.ts";
import type { LocalSelection } from "../session/session.ts";
import { localLayer, type FileDigestCache, type FileDigests, type LocalLayer } from "./local-layer.ts";

const signal = new AbortController().signal;
const everything: LocalSelection = { followPaths: undefined, includePatterns: [], excludePatterns: [] };
/** Sees all files as old enough to be remembered. */
const later = { ...systemClock, nowNs: () => systemClock.nowNs() + 10_000_000_000n };

function temporary(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "stemma-local-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

class CountingCache implements FileDigestCache {
  blobFormat: FileDigestCache["blobFormat"] = undefined;
  inspect: FileDigestCache["inspect"] = undefined;
  readonly kept: Map<string, FileDigests> = new Map();
  hits = 0;
  sets = 0;
  known(validators: readonly string[]): ReadonlyMap<string, FileDigests> {
    const found = new Map(validators.flatMap((validator) => {
      const digests = this.kept.get(validator);
      return digests === undefined ? [] : [[validator, digests] as const];
    }));
    this.hits += found.size;
    return found;
  }
  set(validator: string, digests: FileDigests): void {
    this.sets += 1;
    this.kept.set(validator, digests);
  }
}

async function read(root: string, digests: FileDigestCache = new CountingCache()): Promise<LocalLayer> {
  return await localLayer(openDirectory(root, { clock: later }), everything, digests, signal);
}

test("a directory is named by its content, so copies are equal and times do not count", async (t) => {
  const [a, b] = [temporary(t), temporary(t)];
  for (const root of [a, b]) {
    mkdirSync(join(root, "d"));
    writeFileSync(join(root, "d/f"), "content");
  }
  utimesSync(join(b, "d/f"), 1, 1);
  const first = await read(a);
  assert.equal((await read(b)).root, first.root);
  writeFileSync(join(b, "d/f"), "CONTENT");
  assert.notEqual((await read(b)).root, first.root);
});

test("a file of the same size and time, but other content, is another file", async (t) => {
  const root = temporary(t);
  const cache = new CountingCache();
  writeFileSync(join(root, "f"), "one");
  utimesSync(join(root, "f"), 1000, 1000);
  const before = await read(root, cache);
  writeFileSync(join(root, "f"), "two");
  utimesSync(join(root, "f"), 1000, 1000);
  assert.notEqual((await read(root, cache)).root, before.root);
});

test("what is remembered of unchanged files is not read again", async (t) => {
  const root = temporary(t);
  for (const name of ["a", "b", "c"]) writeFileSync(join(root, name), name);
  const cache = new CountingCache();
  const cold = await read(root, cache);
  assert.equal(cache.hits, 0);
  assert.equal((await read(root, cache)).root, cold.root);
  assert.equal(cache.hits, 3);
});

test("a file is read once for both of its names, and again only when the other one was never asked for", async (t) => {
  const root = temporary(t);
  writeFileSync(join(root, "f"), "content");
  const cache = new CountingCache();
  assert.equal((await read(root, cache)).blob("f"), undefined);
  for (const [format, hits] of [["sha1", 1], ["sha1", 2], ["sha256", 3], ["sha256", 4]] as const) {
    cache.blobFormat = format;
    const { blob, root: digest } = await read(root, cache);
    assert.equal(blob("f"), createHash(format).update("blob 7\0content").digest("hex"));
    assert.equal(digest, (await read(root)).root);
    assert.equal(cache.hits, hits);
  }
  assert.equal(cache.sets, 3);
});

test("a file that changes during the build is told by name, and never passed on as what it was", async (t) => {
  const root = temporary(t);
  for (const name of ["same-size", "shorter", "gone"]) writeFileSync(join(root, name), "before");
  const { layer } = await read(root);
  const entries = new Map((await layer.entries(signal)).map((entry) => [entry.path, entry]));
  writeFileSync(join(root, "same-size"), "after!");
  writeFileSync(join(root, "shorter"), "x");
  renameSync(join(root, "gone"), join(root, "elsewhere"));
  const content = async (path: string): Promise<Buffer> => {
    const entry = entries.get(path);
    assert.ok(entry !== undefined);
    return await collectBytes(layer.read(entry, signal), 1000);
  };
  await assert.rejects(content("same-size"), { code: "changed", message: "/same-size changed while the build was reading it", retryable: true });
  await assert.rejects(content("shorter"), { code: "changed" });
  await assert.rejects(content("gone"), { code: "unreadable" });
});

test("10,000 small files are hashed within seconds, and quickly once they are known", async (t) => {
  const root = temporary(t);
  for (let i = 0; i < 10_000; i += 1) {
    if (i % 100 === 0) mkdirSync(join(root, `d${i / 100}`));
    writeFileSync(join(root, `d${Math.floor(i / 100)}`, `f${i}`), `content ${i}`);
  }
  const cache = new CountingCache();
  const started = performance.now();
  await read(root, cache);
  const cold = performance.now() - started;
  await read(root, cache);
  const warm = performance.now() - started - cold;
  assert.equal(cache.hits, 10_000);
  t.diagnostic(`cold ${cold.toFixed(0)} ms, warm ${warm.toFixed(0)} ms`);
  assert.ok(cold < 8000, "generous: well under 1.5 s on an idle machine");
});
