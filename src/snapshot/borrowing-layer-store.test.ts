import assert from "node:assert/strict";
import { test } from "node:test";
import type { ByteStream } from "../content/blob-store.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf, type DiffId } from "../content/digest.ts";
import { file, imageLayer, members, textOf } from "../testing/layer-samples.ts";
import { MemoryLayerStore } from "../testing/memory-layer-store.ts";
import { borrowingLayerStore } from "./borrowing-layer-store.ts";
import { imageLayerId } from "./layer.ts";

const signal = new AbortController().signal;

async function* unread(): ByteStream {
  yield* [];
  throw new Error("was read");
}

test("takes an image's layer from the lender, and does not read it from where the image is", async () => {
  const [store, lender] = [new MemoryLayerStore(), new MemoryLayerStore()];
  const lent = await imageLayer(lender, file("a", "alpha"));
  // A layer of an image in a memory store has its diff id for a name.
  const diffId = lent.id as string as DiffId;
  const find = lender.find.bind(lender);
  const borrowing = borrowingLayerStore(store, { find: (id) => (id === imageLayerId(diffId) ? find(lent.id) : undefined), exportTar: (id) => lender.exportTar(id, signal), keepsArchive: async () => true });
  const layer = await borrowing.importBlob(diffId, { open: unread, sizeBytes: 0 }, "archive", signal);
  assert.equal(await textOf(layer), await textOf(lent));
  assert.ok(store.find(lent.id) !== undefined, "it is a layer of the store's own");
});

test("takes over a layer that the lender has as a tree, and reads it where it is where that cannot be", async () => {
  const [store, lender] = [new MemoryLayerStore(), new MemoryLayerStore()];
  const lent = await imageLayer(lender, file("a", "alpha"));
  const diffId = lent.id as string as DiffId;
  const asTree = { find: () => lent, exportTar: () => unread(), keepsArchive: async () => false };
  assert.equal(await textOf(await borrowingLayerStore(store, asTree).importBlob(diffId, { open: unread, sizeBytes: 0 }, "tree", signal)), await textOf(lent));
  const [other, tar] = [new MemoryLayerStore(), await collectBytes(lender.exportTar(lent.id, signal), 100_000)];
  other.importTree = async () => await Promise.resolve(undefined);
  assert.equal(await textOf(await borrowingLayerStore(other, asTree).importBlob(diffId, { open: () => bytesOf(tar), sizeBytes: tar.length }, "tree", signal)), await textOf(lent));
});

test("reads what the lender does not have, and lends nothing of its own making", async () => {
  const [store, lender] = [new MemoryLayerStore(), new MemoryLayerStore()];
  const made = await lender.write(members(file("a", "alpha")), signal);
  const borrowing = borrowingLayerStore(store, lender);
  assert.equal(borrowing.find(made.id), undefined);
  const tar = await collectBytes(lender.exportTar(made.id, signal), 100_000);
  // The digest of an uncompressed tar is a diff id by definition.
  assert.equal(await textOf(await borrowing.importBlob(digestOf(tar) as string as DiffId, { open: () => bytesOf(tar), sizeBytes: tar.byteLength }, "archive", signal)), await textOf(made));
});
