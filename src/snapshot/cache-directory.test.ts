import assert from "node:assert/strict";
import { mkdtempDisposableSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openCacheDirectory, type CacheSharing } from "./cache-directory.ts";

const never = new AbortController().signal;
const nothing = async (): Promise<void> => undefined;
const open = (parent: string, sharing: CacheSharing, signal = never): ReturnType<typeof openCacheDirectory> => openCacheDirectory(parent, { id: "//root/.cache", sharing }, nothing, signal);

test("what is put into a cache is there for the next step", async () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-cache-"));
  {
    await using first = await open(scratch.path, "shared");
    await writeFile(join(first.path, "file"), "kept");
  }
  await using second = await open(scratch.path, "locked");
  assert.deepEqual(readdirSync(second.path), ["file"]);
});

test("shared caches are one, private ones are not", async () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-cache-"));
  await using a = await open(scratch.path, "shared");
  await using b = await open(scratch.path, "shared");
  assert.equal(a.path, b.path);
  await using c = await open(scratch.path, "private");
  await using d = await open(scratch.path, "private");
  assert.equal(new Set([a.path, c.path, d.path]).size, 3);
});

test("a locked cache is waited for, and waiting can be stopped", async () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-cache-"));
  const first = await open(scratch.path, "locked");
  await assert.rejects(open(scratch.path, "locked", AbortSignal.timeout(120)), { name: /AbortError|TimeoutError/ });
  const second = open(scratch.path, "locked");
  await first[Symbol.asyncDispose]();
  await (await second)[Symbol.asyncDispose]();
});

test("a cache whose filling failed is not there", async () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-cache-"));
  const request = { id: "x", sharing: "shared" } as const;
  await assert.rejects(openCacheDirectory(scratch.path, request, () => Promise.reject(new Error("no base")), never), /no base/);
  await using again = await openCacheDirectory(scratch.path, request, (path) => writeFile(join(path, "seed"), ""), never);
  assert.deepEqual(readdirSync(again.path), ["seed"]);
});
