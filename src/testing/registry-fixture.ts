import assert from "node:assert/strict";
import { digestOf, type Digest } from "../content/digest.ts";
import { bytesOf } from "../content/bytes.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { anonymousCredentials, type Credential, type CredentialStore } from "../registry/credential.ts";
import { openRegistryClient, type RegistryClient, type RegistryClientOptions } from "../registry/registry-client.ts";
import { DEFAULT_SETTINGS, type RegistryConfig, type RegistrySettings } from "../registry/registry-config.ts";
import { RegistryError, type RegistryErrorCode } from "../registry/registry-error.ts";
import { memoryBlobStore } from "../store/memory-blob-store.ts";
import type { BlobStore } from "../content/blob-store.ts";

/** A client that knows nothing of this machine but what a test tells it. */
export function testClient(options: Partial<RegistryClientOptions> = {}): RegistryClient {
  return openRegistryClient({ credentials: anonymousCredentials, config: settingsFor({}), env: {}, ...options });
}

/** Settings as from a file, for each of these registries. */
export function settingsFor(registries: Readonly<Record<string, Partial<RegistrySettings>>>): RegistryConfig {
  return { path: "/settings/stemma.toml", registries: new Map(Object.entries(registries).map(([host, settings]) => [host, { ...DEFAULT_SETTINGS, ...settings }])) };
}

/** The same credential for every registry, or for one. */
export function credentialsOf(credential: Credential, host?: string): CredentialStore {
  return {
    places: "the test's store",
    find: async (asked) => (host === undefined || host === asked ? { credential, source: "the test's file" } : undefined),
  };
}

export interface SampleImage {
  readonly content: BlobStore;
  readonly root: Descriptor;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** An index with one image of these layers. */
export async function sampleImage(layers: readonly Uint8Array[], signal: AbortSignal): Promise<SampleImage> {
  const content = memoryBlobStore();
  const add = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
    const digest: Digest = digestOf(bytes);
    await content.write(digest, bytesOf(bytes), signal);
    return { mediaType, digest, size: bytes.byteLength };
  };
  const addJson = async (mediaType: string, value: object): Promise<Descriptor> => await add(mediaType, Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...value })));
  const layerDescriptors: Descriptor[] = [];
  for (const layer of layers) layerDescriptors.push(await add(MEDIA_TYPE.ociLayer, layer));
  const diffIds = layerDescriptors.map(({ digest }) => digest);
  const config = await add(MEDIA_TYPE.ociConfig, Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: diffIds } })));
  const manifest = await addJson(MEDIA_TYPE.ociManifest, { config, layers: layerDescriptors });
  const root = await addJson(MEDIA_TYPE.ociIndex, { manifests: [{ ...manifest, platform: { os: "linux", architecture: "amd64" } }] });
  return { content, root, manifest, config, layers: layerDescriptors };
}

/** For assert.rejects: a RegistryError of this code, whose message holds these words. */
export function refuses(code: RegistryErrorCode, ...words: readonly string[]): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof RegistryError, error instanceof Error ? error.stack : String(error));
    assert.equal(error.code, code, error.message);
    for (const word of words) assert.ok(error.message.includes(word), `${word} in: ${error.message}`);
    return true;
  };
}
