import assert from "node:assert/strict";
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { test } from "node:test";
import { writeTar } from "../archive/tar-writer.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { CorruptBlobError } from "../content/blob-store.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { LayoutDirectory } from "../testing/layout-directory.ts";
import { formatLayoutReference, openOciLayout, parseLayoutReference } from "./oci-layout.ts";
import { RegistryError } from "./registry-error.ts";

const never = new AbortController().signal;

function layoutWithImage(): { readonly layout: LayoutDirectory; readonly manifest: ReturnType<LayoutDirectory["add"]>; readonly layer: ReturnType<LayoutDirectory["add"]> } {
  const layout = new LayoutDirectory();
  const config = layout.add(MEDIA_TYPE.ociConfig, { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } });
  const layer = layout.add(MEDIA_TYPE.ociLayer, Buffer.from("layer bytes"));
  const manifest = layout.add(MEDIA_TYPE.ociManifest, { schemaVersion: 2, config, layers: [layer] });
  layout.tag(manifest, "1.0");
  return { layout, manifest, layer };
}

test("reads what stands behind oci-layout://", () => {
  const digest = `sha256:${"ab".repeat(32)}`;
  for (const [text, path, tag, hasDigest] of [
    ["oci-layout://dir", "dir", undefined, false],
    ["oci-layout:///a/b:1.0", "/a/b", "1.0", false],
    [`oci-layout://./x.tar@${digest}`, "./x.tar", undefined, true],
    [`oci-layout://x:y@${digest}`, "x", "y", true],
    ["oci-layout://C:/images", "C:/images", undefined, false],
  ] as const) {
    const parsed = parseLayoutReference(text);
    assert.deepEqual(parsed, { path, tag, digest: hasDigest ? digest : undefined });
    assert.equal(formatLayoutReference(parsed), text);
  }
  assert.equal(parseLayoutReference("alpine"), undefined);
});

test("finds images by tag and by digest, and the only one without either", async () => {
  const { layout: made, manifest, layer } = layoutWithImage();
  using directory = made;
  await using layout = await openOciLayout(directory.path, never);
  assert.equal((await layout.resolve("1.0", never))?.digest, manifest.digest);
  assert.deepEqual(await layout.resolve(manifest.digest, never), manifest);
  assert.equal(await layout.resolve("2.0", never), undefined);
  assert.equal((await layout.only(never))?.digest, manifest.digest);
  assert.equal((await collectBytes(layout.blob(layer, never), 100)).toString(), "layer bytes");
  assert.deepEqual(await collectBytes(layout.blob({ ...layer, data: Buffer.from("layer bytes").toString("base64") }, never), 100), Buffer.from("layer bytes"));
});

test("reads a tar of a layout like the directory", async () => {
  const { layout: made, manifest, layer } = layoutWithImage();
  using directory = made;
  const tar = join(mkdtempSync(join(tmpdir(), "stemma-layout-tar-")), "image.tar");
  const names = ["oci-layout", "index.json", ...[layer, manifest].map(({ digest }) => `blobs/${digest.replace(":", "/")}`)];
  const members = names.map((path) => {
    const bytes = readFileSync(join(directory.path, path));
    return { entry: { path, kind: "file", mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: bytes.length } as const, content: bytesOf(bytes) };
  });
  await pipeline(Readable.from(writeTar(Readable.from(members))), createWriteStream(tar));
  try {
    await using layout = await openOciLayout(tar, never);
    assert.equal((await layout.resolve("1.0", never))?.digest, manifest.digest);
    assert.equal((await layout.manifest(manifest.digest, never)).bytes.byteLength, manifest.size);
    assert.equal((await collectBytes(layout.blob(layer, never), 100)).toString(), "layer bytes");
  } finally {
    rmSync(join(tar, ".."), { recursive: true });
  }
});

test("refuses bytes that are not what their name says", async () => {
  const { layout: made, manifest, layer } = layoutWithImage();
  using directory = made;
  await using layout = await openOciLayout(directory.path, never);
  writeFileSync(directory.blobPath(layer.digest), "other bytes");
  writeFileSync(directory.blobPath(manifest.digest), "{}");
  await assert.rejects(collectBytes(layout.blob(layer, never), 100), CorruptBlobError);
  await assert.rejects(layout.manifest(manifest.digest, never), (error) => error instanceof RegistryError && error.code === "protocol");
});

test("says what is missing", async () => {
  using directory = new LayoutDirectory();
  await assert.rejects(openOciLayout(join(directory.path, "none"), never), /none: no such directory or file/);
  await using layout = await openOciLayout(directory.path, never);
  const digest = directory.add("x", Buffer.from("x")).digest;
  rmSync(directory.blobPath(digest));
  await assert.rejects(layout.manifest(digest, never), (error) => error instanceof RegistryError && error.code === "not-found");
  assert.equal(await layout.resolve(digest, never), undefined);
  rmSync(join(directory.path, "index.json"));
  await assert.rejects(layout.resolve("latest", never), /no index.json, so no OCI layout/);
});

test("lists what refers to a manifest, by subject and by the fallback tag", async () => {
  const { layout: made, manifest } = layoutWithImage();
  using directory = made;
  const empty = directory.add(MEDIA_TYPE.ociEmpty, {});
  const bySubject = directory.add(MEDIA_TYPE.ociManifest, { schemaVersion: 2, artifactType: "a/b", config: empty, layers: [], subject: manifest });
  const byTag = directory.add(MEDIA_TYPE.ociManifest, { schemaVersion: 2, artifactType: "c/d", config: empty, layers: [] });
  // Who names no type has that of the configuration.
  const byConfig = directory.add(MEDIA_TYPE.ociManifest, { schemaVersion: 2, config: { ...empty, mediaType: "e/f" }, layers: [], subject: manifest });
  directory.tag(bySubject, "evidence");
  directory.tag(byConfig, "more");
  directory.tag(directory.add(MEDIA_TYPE.ociIndex, { schemaVersion: 2, manifests: [{ ...byTag, artifactType: "c/d" }] }), manifest.digest.replace(":", "-"));
  await using layout = await openOciLayout(directory.path, never);
  const found = await layout.referrers(manifest.digest, never);
  assert.deepEqual(found.map(({ digest, artifactType }) => [digest, artifactType]), [[byTag.digest, "c/d"], [bySubject.digest, "a/b"], [byConfig.digest, "e/f"]]);
});
