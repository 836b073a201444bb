import assert from "node:assert/strict";
import { mkdtempDisposableSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { decompress } from "../archive/decompress.ts";
import type { Entry } from "../archive/entry.ts";
import { readTar } from "../archive/tar-reader.ts";
import { writeTar } from "../archive/tar-writer.ts";
import type { ByteStream } from "../content/blob-store.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf, type Digest, type DiffId } from "../content/digest.ts";
import type { GrowingBlob } from "../content/growing-blob.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { exportedEntry } from "../snapshot/exported-entry.ts";
import { ImageLayer } from "../snapshot/image-layer.ts";
import { openLayerStore } from "../snapshot/disk-layer-store.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import { openFileBlobStore } from "../store/file-blob-store.ts";
import { layerFacts } from "../store/layer-facts.ts";
import { openStateDatabase } from "../store/state-database.ts";
import { directory, file, members, symlink, whiteout } from "../testing/layer-samples.ts";
import { imageContent, layerBlob, type BlobForm, type SerialiseContext } from "./layer-blob.ts";
import { plainLeases } from "../testing/plain-leases.ts";

const signal = new AbortController().signal;
const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-layer-blob-"));
const database = openStateDatabase(join(scratch.path, "state.db"));
const layers = await openLayerStore({ directory: join(scratch.path, "layers"), snapshotter: "copy", namespace: () => Promise.reject(new Error("nothing is mounted here")) });
const context: SerialiseContext = { layers, blobs: await openFileBlobStore(join(scratch.path, "blobs"), () => scratch.path, plainLeases), facts: layerFacts(database) };

after(async () => {
  await layers[Symbol.asyncDispose]();
  database[Symbol.dispose]();
  scratch.remove();
});

const GZIP: BlobForm = { compression: { kind: "gzip", level: undefined, force: false }, mediaTypes: "oci", rewriteToNs: undefined };
const ZSTD: BlobForm = { ...GZIP, compression: { kind: "zstd", level: undefined, force: false } };
const SIZE_BYTES_MAX = 1024 * 1024;
const EPOCH_NS = 1_400_000_000_000_000_000n;

/** A layer of this build: one file is older than the epoch of these tests, all else younger. */
const own = await layers.write(members(
  directory("d"), file("d/old", "old", { mtimeNs: 1_300_000_000_700_000_000n, xattrs: new Map([["user.note", Buffer.from("x")], ["security.capability", Buffer.of(1, 0, 0, 2)]]) }),
  file("d/new", "new", { mtimeNs: 1_500_000_000_700_000_000n }), symlink("d/link", "new"), whiteout("gone"),
), signal);
context.facts.saveCreated(own.id, 1_600_000_000_000_000_000n);

async function read(digest: Digest): Promise<Buffer> {
  return await collectBytes(context.blobs.read(digest, signal), SIZE_BYTES_MAX);
}

async function entriesOf(blob: ByteStream): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const { entry } of readTar(decompress(blob))) entries.push(entry);
  return entries;
}

/** A base image's layer, with how often its bytes were asked for. */
async function baseLayer(text: string, more: Partial<Descriptor> = {}, store: LayerStore = layers): Promise<{ layer: ImageLayer; bytes: Buffer; fetches: () => number }> {
  // A time that every epoch of these tests would set back, and a compressor that is not ours.
  const tar = await collectBytes(writeTar(members(file("etc/base", text, { mtimeNs: 1_550_000_000_000_000_000n }))), SIZE_BYTES_MAX);
  const bytes = gzipSync(tar, { level: 1 });
  let fetched = 0;
  const layer = new ImageLayer({
    // The digest of an uncompressed tar is a diff id by definition.
    diffId: digestOf(tar) as string as DiffId, repository: undefined,
    descriptor: { mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip", digest: digestOf(bytes), size: bytes.length, annotations: { from: "its own manifest" }, ...more },
    fetch: () => (fetched++, bytesOf(bytes)),
  }, store);
  return { layer, bytes, fetches: () => fetched };
}

test("a layer becomes a compressed blob whose digest, size and diff id are those of its bytes", async () => {
  for (const [form, mediaType] of [[GZIP, "application/vnd.oci.image.layer.v1.tar+gzip"], [ZSTD, "application/vnd.oci.image.layer.v1.tar+zstd"]] as const) {
    const { descriptor, diffId, createdNs } = await layerBlob(own, form, context, signal);
    const bytes = await read(descriptor.digest);
    assert.deepEqual(descriptor, { mediaType, digest: digestOf(bytes), size: bytes.length });
    assert.equal(diffId, digestOf(await collectBytes(decompress(bytesOf(bytes)), SIZE_BYTES_MAX)));
    assert.equal(diffId, await layers.diffId(own.id, signal));
    assert.equal(createdNs, 1_600_000_000_000_000_000n);
  }
});

test("docker media types name the same bytes", async () => {
  const oci = await layerBlob(own, GZIP, context, signal);
  const docker = await layerBlob(own, { ...GZIP, mediaTypes: "docker" }, context, signal);
  assert.deepEqual(docker.descriptor, { ...oci.descriptor, mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip" });
});

test("what was serialised before is found, for another process too, and made again once its blob is gone", async () => {
  const layer = await layers.write(members(file("again", "again")), signal);
  const first = await layerBlob(layer, GZIP, context, signal);
  let ingested = 0;
  const counting: SerialiseContext = { ...context, facts: layerFacts(database), blobs: { ...context.blobs, ingest: (bytes, s) => (ingested++, context.blobs.ingest(bytes, s)) } };
  assert.deepEqual((await layerBlob(layer, GZIP, counting, signal)).descriptor, first.descriptor);
  assert.equal(ingested, 0);
  rmSync(join(scratch.path, "blobs", first.descriptor.digest.replace(":", "/")));
  assert.deepEqual((await layerBlob(layer, GZIP, counting, signal)).descriptor, first.descriptor);
  assert.equal(ingested, 1);
  assert.equal((await read(first.descriptor.digest)).length, first.descriptor.size);
});

test("a blob is told of while it is made in every form, and not where its digest is known already", async () => {
  const forms: readonly BlobForm[] = [GZIP, ZSTD, { ...GZIP, compression: { kind: "estargz", level: undefined, force: false } }, { ...GZIP, compression: { kind: "uncompressed", level: undefined, force: false } }, { ...GZIP, rewriteToNs: EPOCH_NS }];
  const layer = await layers.write(members(file("told", "told")), signal);
  for (const form of forms) {
    const told: GrowingBlob[] = [];
    const telling: SerialiseContext = { ...context, onGrowing: (blob) => void told.push(blob) };
    const { descriptor } = await layerBlob(layer, form, telling, signal);
    assert.deepEqual(told.map(({ digest }) => digest), [descriptor.digest]);
    rmSync(join(scratch.path, "blobs", descriptor.digest.replace(":", "/")));
    assert.equal((await layerBlob(layer, form, telling, signal)).descriptor.digest, descriptor.digest);
    assert.equal(told.length, 1);
  }
});

test("a compression level is a form of its own", async () => {
  const layer = await layers.write(members(file("text", "stemma ".repeat(10_000))), signal);
  const least = await layerBlob(layer, { ...GZIP, compression: { kind: "gzip", level: 1, force: false } }, context, signal);
  const most = await layerBlob(layer, { ...GZIP, compression: { kind: "gzip", level: 9, force: false } }, context, signal);
  assert.ok(most.descriptor.size < least.descriptor.size, `${most.descriptor.size} < ${least.descriptor.size}`);
  assert.equal(most.diffId, least.diffId);
});

test("a base image's layer keeps its bytes, which nobody fetches for it", async () => {
  const { layer, bytes, fetches } = await baseLayer("kept");
  const blob = await layerBlob(layer, { ...ZSTD, rewriteToNs: EPOCH_NS }, context, signal);
  assert.deepEqual(blob.descriptor, { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: digestOf(bytes), size: bytes.length });
  assert.equal(blob.createdNs, undefined);
  assert.equal(fetches(), 0);
  const content = imageContent(new Map(), [blob], context.blobs);
  assert.deepEqual(await collectBytes(content.read(blob.descriptor.digest, signal), SIZE_BYTES_MAX), bytes);
});

test("a base image's layer that may not be redistributed stays such, and tells where it is", async () => {
  const urls = ["https://elsewhere.example/layer"];
  const [docker, oci] = ["application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"];
  const { layer, bytes } = await baseLayer("foreign", { mediaType: docker, urls });
  for (const [mediaTypes, mediaType] of [["oci", oci], ["docker", docker]] as const) {
    const { descriptor } = await layerBlob(layer, { ...GZIP, mediaTypes }, context, signal);
    assert.deepEqual(descriptor, { mediaType, digest: digestOf(bytes), size: bytes.length, urls });
  }
});

test("force-compression compresses a base's layers of another compression anew, and changes nothing in them", async () => {
  const { layer } = await baseLayer("forced");
  const blob = await layerBlob(layer, { ...ZSTD, compression: { ...ZSTD.compression, force: true }, rewriteToNs: EPOCH_NS }, context, signal);
  assert.equal(blob.descriptor.mediaType, "application/vnd.oci.image.layer.v1.tar+zstd");
  assert.equal(blob.diffId, layer.origin.diffId);
  assert.equal(blob.createdNs, undefined);
  assert.deepEqual((await entriesOf(bytesOf(await read(blob.descriptor.digest)))).map(({ mtimeNs }) => mtimeNs), [1_550_000_000_000_000_000n]);
});

test("force-compression leaves a base's layer alone that has that compression already, unless a level is asked for", async () => {
  const forced = (kind: "gzip" | "estargz", level?: number): BlobForm => ({ ...GZIP, compression: { kind, level, force: true } });
  const { layer, bytes, fetches } = await baseLayer("as it should be");
  const kept = await layerBlob(layer, forced("gzip"), context, signal);
  assert.equal(kept.descriptor.digest, digestOf(bytes));
  assert.equal(kept.origin, layer.origin);
  assert.equal(fetches(), 0);
  assert.notEqual((await layerBlob(layer, forced("gzip", 9), context, signal)).descriptor.digest, digestOf(bytes));

  const table = { "containerd.io/snapshot/stargz/toc.digest": digestOf(Buffer.from("table")) };
  const lazy = await baseLayer("with a table", { annotations: table });
  assert.deepEqual((await layerBlob(lazy.layer, forced("estargz"), context, signal)).descriptor.annotations, table);
  const plain = await layerBlob(lazy.layer, forced("gzip"), context, signal);
  assert.notEqual(plain.descriptor.digest, digestOf(lazy.bytes));
  assert.equal(plain.descriptor.annotations, undefined);
});

test("force-compression of a base's layer that was only unpacked fetches its archive once more, and comes to the same", { skip: process.geteuid?.() === 0 ? false : "needs root" }, async () => {
  await using trees = await openLayerStore({ directory: join(scratch.path, "trees"), snapshotter: "overlay", namespace: () => Promise.reject(new Error("nothing is mounted here")) });

  const forced: BlobForm = { ...ZSTD, compression: { kind: "zstd", level: undefined, force: true } };
  const kept = await baseLayer("only unpacked");
  const expected = await layerBlob(kept.layer, forced, context, signal);
  const unpacked = await baseLayer("only unpacked", {}, trees);
  await unpacked.layer.present(signal, "tree");
  assert.equal(await trees.keepsArchive(unpacked.layer.id), false);
  using other = openStateDatabase(join(scratch.path, "other.db"));
  const facts = layerFacts(other);
  assert.deepEqual((await layerBlob(unpacked.layer, forced, { ...context, layers: trees, facts }, signal)).descriptor, expected.descriptor);
  assert.equal(unpacked.fetches(), 2);
});

test("rewrite-timestamp sets later times back, and leaves all else as it is without", async () => {
  const plain = await layerBlob(own, GZIP, context, signal);
  const rewritten = await layerBlob(own, { ...GZIP, rewriteToNs: EPOCH_NS }, context, signal);
  const before = await entriesOf(bytesOf(await read(plain.descriptor.digest)));
  const after = await entriesOf(bytesOf(await read(rewritten.descriptor.digest)));
  assert.deepEqual(before, (await own.entries(signal)).map(exportedEntry));
  assert.deepEqual(after, before.map((entry) => (entry.mtimeNs > EPOCH_NS ? { ...entry, mtimeNs: EPOCH_NS } : entry)));
  assert.notEqual(rewritten.diffId, plain.diffId);
  assert.deepEqual([plain.descriptor.annotations, rewritten.descriptor.annotations], [undefined, { "buildkit/rewritten-timestamp": "1400000000" }]);
  assert.equal((await layerBlob(own, { ...GZIP, mediaTypes: "docker", rewriteToNs: EPOCH_NS }, context, signal)).descriptor.annotations, undefined);
});

test("a time beyond plain headers that is set back leaves a long name in an extended one, as BuildKit does", async () => {
  const headers = async (mtimeNs: bigint): Promise<string> => {
    const layer = await layers.write(members(file("short", "", { mtimeNs }), file(`${"d".repeat(90)}/${"f".repeat(90)}`, "", { mtimeNs })), signal);
    const { descriptor } = await layerBlob(layer, { ...GZIP, compression: { kind: "uncompressed", level: undefined, force: false }, rewriteToNs: EPOCH_NS }, context, signal);
    const tar = await read(descriptor.digest);
    return Array.from({ length: tar.length / 512 }, (_, at) => tar.subarray(at * 512, at * 512 + 512)).filter((block) => block.toString("latin1", 257, 262) === "ustar").map((block) => block.toString("latin1", 156, 157)).join("");
  };
  assert.equal(await headers(1_500_000_000_000_000_000n), "00");
  assert.equal(await headers(8_589_934_592_000_000_000n), "0x0");
});

test("two layers that differ in late times only come to one blob", async () => {
  const make = async (mtimeNs: bigint) => await layerBlob(await layers.write(members(file("f", "same", { mtimeNs })), signal), { ...GZIP, rewriteToNs: EPOCH_NS }, context, signal);
  assert.deepEqual((await make(1_600_000_000_123_456_789n)).descriptor, (await make(1_700_000_000_000_000_000n)).descriptor);
});
