import assert from "node:assert/strict";
import { mkdirSync, mkdtempDisposableSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CorruptBlobError } from "../content/blob-store.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf } from "../content/digest.ts";
import type { GrowingBlob } from "../content/growing-blob.ts";
import { describeBlobStore } from "./blob-store.contract.ts";
import { openFileBlobStore } from "./file-blob-store.ts";
import { plainLeases } from "../testing/plain-leases.ts";

const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-blobs-"));
after(() => scratch.remove());
const signal = new AbortController().signal;
let stores = 0;

function incomingIn(directory: string): () => string {
  const incoming = join(directory, "incoming");
  return () => {
    mkdirSync(incoming, { recursive: true });
    return incoming;
  };
}

describeBlobStore("a directory", () => {
  const directory = join(scratch.path, String(stores++));
  return openFileBlobStore(directory, incomingIn(directory), plainLeases);
});

test("takes in bytes of unknown digest, and leaves nothing in between", async () => {
  const directory = join(scratch.path, "ingest");
  const store = await openFileBlobStore(directory, incomingIn(directory), plainLeases);
  const bytes = Buffer.from("some bytes");
  assert.deepEqual(await store.ingest(bytesOf(bytes.subarray(0, 4), bytes.subarray(4)), signal), { digest: digestOf(bytes), sizeBytes: 10 });
  assert.equal(await store.sizeBytes(digestOf(bytes)), 10);
  assert.deepEqual(readdirSync(join(directory, "incoming")), []);
});

test("notices bytes that were changed on disk, and has them no more", async () => {
  const directory = join(scratch.path, "changed");
  const store = await openFileBlobStore(directory, incomingIn(directory), plainLeases);
  const { digest } = await store.ingest(bytesOf(Buffer.from("good")), signal);
  writeFileSync(join(directory, "sha256", digest.slice(7)), "evil");
  await assert.rejects(collectBytes(store.read(digest, signal), 100), (error) => error instanceof CorruptBlobError && error.code === "damaged");
  assert.deepEqual(await store.missing(new Set([digest]), signal), new Set([digest]));
});

test("lets others read what is not whole yet, from its beginning to its end, and tells them where it comes to nothing", async () => {
  const directory = join(scratch.path, "growing");
  const store = await openFileBlobStore(directory, incomingIn(directory), plainLeases);
  for (const failure of [undefined, new Error("no more")]) {
    const begun = Promise.withResolvers<GrowingBlob>();
    const rest = Promise.withResolvers<void>();
    async function* source(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("first");
      await rest.promise;
      yield Buffer.from(" and last");
    }
    const ingested = store.ingest(source(), signal, begun.resolve);
    const blob = await begun.promise;
    const early = blob.read(signal)[Symbol.asyncIterator]();
    assert.equal(Buffer.from((await early.next()).value ?? []).toString(), "first");
    assert.deepEqual([await blob.exceeds(4), blob.digest], [true, undefined]);
    const [isLonger, left] = [blob.exceeds(100), early.next()];
    if (failure === undefined) {
      rest.resolve();
      const { digest } = await ingested;
      assert.deepEqual([Buffer.from((await left).value ?? []).toString(), (await early.next()).done, await isLonger, blob.digest], [" and last", true, false, digest]);
      assert.equal((await collectBytes(blob.read(signal), 100)).toString(), "first and last");
    } else {
      rest.reject(failure);
      await Promise.all([assert.rejects(ingested, failure), assert.rejects(left, failure)]);
      assert.deepEqual([await isLonger, blob.digest, readdirSync(join(directory, "incoming"))], [false, undefined, []]);
    }
  }
});
