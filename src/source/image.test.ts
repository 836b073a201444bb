import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { digestOf } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { parseReference } from "../oci/reference.ts";
import { openFileBlobStore } from "../store/file-blob-store.ts";
import { startFakeRegistry, type FakeRegistry } from "../testing/fake-registry.ts";
import { MemoryLayerStore } from "../testing/memory-layer-store.ts";
import { plainLeases } from "../testing/plain-leases.ts";
import { testClient } from "../testing/registry-fixture.ts";
import { ImageSource, type PinnedImage } from "./image.ts";
import { SourceError } from "./source-error.ts";

const path = mkdtempSync(join(tmpdir(), "stemma-images-"));
const amd64 = { os: "linux", architecture: "amd64" };
const LAYER = Buffer.from("a layer, which nobody looks into");
let stores = 0;

after(async () => {
  await rm(path, { recursive: true, force: true });
});

/** What each image here is made of, and may be changed in. */
interface Parts {
  readonly config: Record<string, unknown>;
  readonly manifest: Record<string, unknown> & { readonly mediaType: string };
}

function addImage(registry: FakeRegistry, change: (parts: Parts) => void = () => undefined): Descriptor {
  const config: Parts["config"] = { ...amd64, rootfs: { type: "layers", diff_ids: [digestOf(LAYER)] } };
  const manifest: Parts["manifest"] = { mediaType: MEDIA_TYPE.ociManifest, schemaVersion: 2, config: undefined, layers: [{ mediaType: MEDIA_TYPE.ociLayer, ...registry.addBlob("a", LAYER) }] };
  change({ config, manifest });
  manifest["config"] ??= { mediaType: MEDIA_TYPE.ociConfig, ...registry.addBlob("a", Buffer.from(JSON.stringify(config))) };
  return registry.addManifest("a", manifest, "1");
}

function addIndex(registry: FakeRegistry, ...manifests: readonly unknown[]): Descriptor {
  return registry.addManifest("a", { mediaType: MEDIA_TYPE.ociIndex, schemaVersion: 2, manifests }, "1");
}

async function pin(registry: FakeRegistry): Promise<PinnedImage> {
  await using client = testClient();

  const directory = join(path, `${stores++}`);
  mkdirSync(directory);
  const blobs = await openFileBlobStore(directory, () => directory, plainLeases);
  const images = new ImageSource({ blobs, layers: new MemoryLayerStore(), mountable: true, passing: (_descriptor, bytes) => bytes, onLayers: () => undefined, open: async (reference) => client.repository(reference, "pull") });
  return await images.pin(parseReference(`${registry.host}/a:1`), amd64, AbortSignal.timeout(20_000));
}

describe("an image of an index", () => {
  test("is found in an index within an index, whether or not that one says for what platform it is", async () => {
    for (const platform of [amd64, undefined]) {
      await using registry = await startFakeRegistry();
      const image = addImage(registry);
      let root = addIndex(registry, { ...image, platform: { os: "linux", architecture: "arm64" } }, { ...image, platform: amd64 });
      for (let depth = 0; depth < 4; depth++) root = addIndex(registry, { ...root, platform });
      const pinned = await pin(registry);
      assert.equal(pinned.digest, root.digest);
      assert.equal(pinned.manifestDigest, image.digest);
    }
  });

  test("that names no platform is what its configuration says, and serves where no other does", async () => {
    await using registry = await startFakeRegistry();
    const arm = addImage(registry, ({ config }) => void (config["architecture"] = "arm64"));
    addIndex(registry, arm);
    await assert.rejects(pin(registry), { code: "not-found", message: /: no match for platform in manifest: not found \(wanted linux\/amd64, there is linux\/arm64\)$/ });
    const image = addImage(registry);
    addIndex(registry, arm, { ...image, platform: amd64 });
    assert.equal((await pin(registry)).manifestDigest, image.digest);
    addIndex(registry, null, image);
    assert.equal((await pin(registry)).manifestDigest, image.digest);
  });
});

describe("what a registry has under an image's name, and is none,", () => {
  const rows: ReadonlyArray<readonly [what: string, add: (registry: FakeRegistry) => unknown, message: RegExp]> = [
    ["a configuration that is no JSON", (registry) => addImage(registry, ({ manifest }) => void (manifest["config"] = { mediaType: MEDIA_TYPE.ociConfig, ...registry.addBlob("a", Buffer.from("not json")) })), /failed to parse image config: /],
    ["a configuration without layers", (registry) => addImage(registry, ({ config }) => void delete config["rootfs"]), /the manifest has 1 layers, its configuration 0$/],
    ["a diff id that is none", (registry) => addImage(registry, ({ config }) => void (config["rootfs"] = { diff_ids: ["nonsense"] })), /failed to parse diffID "nonsense" for sha256:[0-9a-f]{64}: invalid checksum digest format$/],
    ["an artifact", (registry) => addImage(registry, ({ manifest }) => void (manifest["config"] = { mediaType: MEDIA_TYPE.ociEmpty, ...registry.addBlob("a", Buffer.from("{}")) })), /encountered unknown type application\/vnd\.oci\.empty\.v1\+json; children may not be fetched$/],
    ["a manifest without anything", (registry) => registry.addManifest("a", { mediaType: MEDIA_TYPE.ociManifest }, "1"), /: config: no JSON object$/],
    ["a manifest with a digest that is none", (registry) => addImage(registry, ({ manifest }) => void (manifest["layers"] = [{ mediaType: MEDIA_TYPE.ociLayer, digest: "nonsense", size: 1 }])), /: layers: not a sha256 digest: "nonsense"$/],
    ["a manifest that is an index too", (registry) => addImage(registry, ({ manifest }) => void (manifest["manifests"] = [])), /: manifest: invalid desc sha256:[0-9a-f]{64}: media-type: expected manifest but found index \(application\/vnd\.oci\.image\.manifest\.v1\+json\)$/],
    ["an index that is a manifest too", (registry) => registry.addManifest("a", { mediaType: MEDIA_TYPE.ociIndex, manifests: [], layers: [] }, "1"), /media-type: expected index but found manifest/],
    ["an index without manifests", (registry) => registry.addManifest("a", { mediaType: MEDIA_TYPE.ociIndex }, "1"), /there is nothing\)$/],
    ["an index whose platforms have no names", (registry) => addIndex(registry, { ...addImage(registry), platform: {} }), /there is unknown\)$/],
    ["Docker's first schema", (registry) => registry.addManifest("a", { mediaType: "application/vnd.docker.distribution.manifest.v1+prettyjws", schemaVersion: 1 }, "1"), /support Docker Image manifest version 2, schema 1 has been removed/],
  ];
  for (const [what, add, message] of rows) {
    test(`is refused with the reason: ${what}`, async () => {
      await using registry = await startFakeRegistry();
      add(registry);
      await assert.rejects(pin(registry), (error) => {
        assert.ok(error instanceof SourceError, String(error));
        assert.match(error.message, message);
        return true;
      });
    });
  }
});
