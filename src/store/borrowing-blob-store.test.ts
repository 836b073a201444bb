import assert from "node:assert/strict";
import { mkdirSync, mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf } from "../content/digest.ts";
import { describeBlobStore } from "./blob-store.contract.ts";
import { borrowingBlobStore } from "./borrowing-blob-store.ts";
import { openFileBlobStore, type FileBlobStore } from "./file-blob-store.ts";
import { plainLeases } from "../testing/plain-leases.ts";

const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-borrowing-"));
after(() => scratch.remove());
const signal = new AbortController().signal;
let stores = 0;

async function open(): Promise<FileBlobStore> {
  const directory = join(scratch.path, String(stores++));
  return await openFileBlobStore(directory, () => {
    mkdirSync(join(directory, "incoming"), { recursive: true });
    return join(directory, "incoming");
  }, plainLeases);
}

describeBlobStore("a store that borrows", async () => borrowingBlobStore(await open(), await open()));

test("has what the lender has, and keeps what it is given to itself", async () => {
  const [store, lender] = [await open(), await open()];
  const both = borrowingBlobStore(store, lender);
  const lent = Buffer.from("lent");
  await lender.write(digestOf(lent), bytesOf(lent), signal);
  assert.deepEqual(await collectBytes(both.read(digestOf(lent), signal), 10), lent);
  assert.equal(await both.sizeBytes(digestOf(lent)), 4);
  assert.deepEqual(await both.missing(new Set([digestOf(lent)]), signal), new Set());
  const { digest } = await both.ingest(bytesOf(Buffer.from("own")), signal);
  assert.deepEqual(await lender.missing(new Set([digest]), signal), new Set([digest]));
  assert.deepEqual(await both.missing(new Set([digest]), signal), new Set());
});
