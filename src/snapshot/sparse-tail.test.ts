import assert from "node:assert/strict";
import { mkdtempSync, openSync, closeSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { TAR_END } from "../archive/tar-writer.ts";
import { bytesOf } from "../content/bytes.ts";
import { digestOf, type DiffId } from "../content/digest.ts";
import { rawTar } from "../testing/raw-tar.ts";
import { SPARSE_FORMS, sparseMember } from "../testing/sparse-tar.ts";
import { layerProblem } from "./check-layer.ts";
import { keepTar } from "./layer-writer.ts";
import { imageLayerId } from "./layer.ts";

const signal = new AbortController().signal;
const path = mkdtempSync(join(tmpdir(), "stemma-sparse-tail-"));
after(() => rmSync(path, { recursive: true }));

test("what stands behind an archive is checked as the archive is, and takes no room for zeros", async () => {
  const files = SPARSE_FORMS.map((form) => sparseMember(form, { name: form, sizeBytes: 10_000_000, pieces: [{ offsetBytes: 5_000_000, sizeBytes: 3 }, { offsetBytes: 10_000_000, sizeBytes: 0 }], data: Buffer.from("abc") }));
  const tar = rawTar(...files.flat(), Buffer.from(TAR_END));
  // digestOf an uncompressed tar is a diff id by definition.
  const diffId = digestOf(tar) as string as DiffId;
  const index = await keepTar(path, diffId, bytesOf(tar), signal);
  assert.deepEqual(index.offsets, files.map((_, i) => tar.length + i * 10_000_000));
  assert.equal(index.tarBytes, tar.length);
  assert.ok(statSync(join(path, "tar")).blocks * 512 < 1_000_000);
  assert.equal(await layerProblem(imageLayerId(diffId), path, signal), undefined);
  const fd = openSync(join(path, "tar"), "r+");
  writeSync(fd, "x", tar.length + 25_000_000);
  closeSync(fd);
  assert.match(String(await layerProblem(imageLayerId(diffId), path, signal)), /0\.1|1\.0|0\.0/);
});
