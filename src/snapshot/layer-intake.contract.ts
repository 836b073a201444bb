import assert from "node:assert/strict";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { ArchiveError } from "../archive/archive-error.ts";
import type { Member } from "../archive/member.ts";
import { readTar } from "../archive/tar-reader.ts";
import { TAR_END, writeTar } from "../archive/tar-writer.ts";
import { CorruptBlobError, type ByteStream } from "../content/blob-store.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf, type DiffId } from "../content/digest.ts";
import { directory, file, members, symlink, textOf, whiteout } from "../testing/layer-samples.ts";
import { rawTar } from "../testing/raw-tar.ts";
import { SPARSE_FORMS, sparseMember } from "../testing/sparse-tar.ts";
import type { LayerBytes, LayerStore } from "./layer-store.ts";
import { imageLayerId } from "./layer.ts";

const signal = new AbortController().signal;
const LIMIT_BYTES = 64 * 1024 * 1024;

type OpenStore = () => Promise<LayerStore>;

const content = Buffer.alloc(600_000, "of a large file, ");

async function tarOf(...more: readonly Member[]): Promise<Buffer> {
  return await collectBytes(writeTar(members(directory("d", { mode: 0o750 }), file("d/f", "content"), file("d/large", content.toString()), whiteout("d/gone"), ...more)), LIMIT_BYTES);
}

/** In pieces, each in memory of its own; a store may take that over. */
function blobOf(bytes: Buffer, pieceBytes = 50_000): LayerBytes {
  return {
    open: async function* () {
      for (let at = 0; at < bytes.length; at += pieceBytes) yield Uint8Array.from(bytes.subarray(at, at + pieceBytes));
    },
    sizeBytes: bytes.length,
  };
}

function diffIdOf(tar: Buffer): DiffId {
  // The digest of an uncompressed tar is a diff id by definition.
  return digestOf(tar) as string as DiffId;
}

/** Compressed in each way that images have, and not at all. */
const COMPRESSED: ReadonlyArray<readonly [name: string, compress: (tar: Buffer) => Buffer]> = [["gzip", gzipSync], ["zstd", zstdCompressSync], ["nothing", (tar) => Buffer.from(tar)]];

/** How images' layers are taken in: a part of what every LayerStore promises. */
export function testIntake(open: OpenStore): void {
  for (const wanted of ["archive", "tree"] as const) {
    for (const compression of COMPRESSED) testTaken(open, wanted, compression);
    testSparse(open, wanted);
    testRefused(open, wanted);
  }
}

function testTaken(open: OpenStore, wanted: "archive" | "tree", [name, compress]: (typeof COMPRESSED)[number]): void {
  test(`takes in a layer for its ${wanted}, compressed with ${name}`, async () => {
    const store = await open();
    const tar = await tarOf();
    const layer = await store.importBlob(diffIdOf(tar), blobOf(compress(tar)), wanted, signal);
    assert.equal(await textOf(layer), `directory 750 0:0 d\nfile 644 0:0 7 d/f\nfile 644 0:0 ${content.length} d/large\nwhiteout 0 0:0 d/gone\n`);
    const [, small, large] = await layer.entries(signal);
    assert.ok(small !== undefined && large !== undefined);
    assert.equal((await collectBytes(layer.read(small, signal), 100)).toString(), "content");
    assert.ok((await collectBytes(layer.read(large, signal), LIMIT_BYTES)).equals(content));
    assert.equal(await layer.contentDigest(large, signal), digestOf(content));
    await using tree = await store.mount([layer], "read-only", signal);

    assert.deepEqual([readdirSync(tree.viewPath), readFileSync(join(tree.viewPath, "d/f"), "utf8"), lstatSync(join(tree.viewPath, "d")).mode & 0o777], [["d"], "content", 0o750]);
    const exported = await collectBytes(store.exportTar(layer.id, signal), LIMIT_BYTES);
    if (await store.keepsArchive(layer.id)) assert.ok(exported.equals(tar));
    assert.equal(wanted === "archive" && !(await store.keepsArchive(layer.id)), false);
    assert.deepEqual((await Array.fromAsync(readTar(bytesOf(exported)))).map(({ entry }) => entry.path), ["d", "d/f", "d/large", "d/gone"]);
  });
}

function testSparse(open: OpenStore, wanted: "archive" | "tree"): void {
  test(`has the zeros of sparse files in a layer that is wanted for its ${wanted}`, async () => {
    const store = await open();
    const files = SPARSE_FORMS.map((form) => ({ name: form, sizeBytes: 200_000, pieces: [{ offsetBytes: 70_000, sizeBytes: 5 }, { offsetBytes: 199_998, sizeBytes: 2 }], data: Buffer.from(`${form.slice(0, 3)}..ab`) }));
    const tar = rawTar(...files.flatMap((file, i) => sparseMember(SPARSE_FORMS[i] ?? "gnu", file)), Buffer.from(TAR_END));
    const layer = await store.importBlob(diffIdOf(tar), blobOf(gzipSync(tar)), wanted, signal);
    const entries = await layer.entries(signal);
    assert.deepEqual(entries.map(({ path, sizeBytes }) => [path, sizeBytes]), files.map(({ name, sizeBytes }) => [name, sizeBytes]));
    await using tree = await store.mount([layer], "read-only", signal);

    for (const entry of entries) {
      const expected = Buffer.alloc(200_000);
      expected.write(`${entry.path.slice(0, 3)}..`, 70_000);
      expected.write("ab", 199_998);
      assert.ok((await collectBytes(layer.read(entry, signal), LIMIT_BYTES)).equals(expected), entry.path);
      assert.ok(readFileSync(join(tree.viewPath, entry.path)).equals(expected), entry.path);
      assert.equal(await layer.contentDigest(entry, signal), digestOf(expected));
    }
    if (await store.keepsArchive(layer.id)) assert.ok((await collectBytes(store.exportTar(layer.id, signal), LIMIT_BYTES)).equals(tar));
  });
}

function testRefused(open: OpenStore, wanted: "archive" | "tree"): void {
  test(`refuses a layer of other bytes that is wanted for its ${wanted}, a damaged one, and one that breaks off, and keeps nothing`, async () => {
    const store = await open();
    const tar = await tarOf();
    const gzipped = gzipSync(tar);
    const half = gzipped.subarray(0, gzipped.length / 2);
    const other = diffIdOf(Buffer.from("other"));
    await assert.rejects(store.importBlob(other, blobOf(gzipped), wanted, signal), CorruptBlobError);
    await assert.rejects(store.importBlob(other, blobOf(half), wanted, signal), ArchiveError);
    await assert.rejects(store.importBlob(other, blobOf(Buffer.concat([half, Buffer.alloc(5000, 1)])), wanted, signal), ArchiveError);
    assert.equal(store.find(imageLayerId(other)), undefined);
  });

  test(`tells what went wrong with the bytes of a layer that is wanted for its ${wanted} as it is`, async () => {
    const store = await open();
    const tar = await tarOf();
    const broken = new RangeError("the line broke");
    const breaking = (): LayerBytes => ({ open: () => breakingOff(blobOf(tar).open(signal), broken), sizeBytes: tar.length });
    await assert.rejects(store.importBlob(diffIdOf(tar), breaking(), wanted, signal), (error) => error === broken);
    const stopping = new AbortController();
    const stopped = new Error("stopped");
    const stalling = { open: (abort: AbortSignal) => stallingAfter(blobOf(tar).open(signal), () => stopping.abort(stopped), abort), sizeBytes: tar.length };
    await assert.rejects(store.importBlob(diffIdOf(tar), stalling, wanted, stopping.signal), (error) => error === stopped);
    assert.equal(store.find(imageLayerId(diffIdOf(tar))), undefined);
    assert.equal((await store.importBlob(diffIdOf(tar), blobOf(tar), wanted, signal)).id, imageLayerId(diffIdOf(tar)));
  });

  test(`takes in an archive that says things twice for its ${wanted}`, async () => {
    const store = await open();
    const tar = await tarOf(file("d/f", "again"), symlink("link", "d"), file("link/through", "x"));
    const layer = await store.importBlob(diffIdOf(tar), blobOf(gzipSync(tar)), wanted, signal);
    await using tree = await store.mount([layer], "read-only", signal);

    assert.deepEqual([readFileSync(join(tree.viewPath, "d/f"), "utf8"), readFileSync(join(tree.viewPath, "d/through"), "utf8")], ["again", "x"]);
  });
}

async function* breakingOff(bytes: ByteStream, error: Error): ByteStream {
  for await (const chunk of bytes) {
    yield chunk;
    throw error;
  }
}

/** Nothing comes any more after the first piece. */
async function* stallingAfter(bytes: ByteStream, first: () => void, abort: AbortSignal): ByteStream {
  for await (const chunk of bytes) {
    yield chunk;
    setImmediate(first);
    await new Promise((_, reject) => abort.addEventListener("abort", () => reject(abort.reason as Error)));
  }
}
