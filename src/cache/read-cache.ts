import type { DiffId } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { estargzAnnotations } from "../oci/estargz-annotations.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { isIndex, isManifest } from "../oci/media-type.ts";
import { readDocument, timeOf, type ReadCache } from "./cache-document.ts";
import { CACHE_CONFIG_TYPE } from "./cache-config.ts";
import { CacheError } from "./cache-error.ts";
import type { ManifestSource, SharedLayer } from "./cache-source.ts";
import { readInlineCache } from "./inline-cache.ts";
import { digestOfText, parseCacheConfig, parseJson } from "./parse-cache-config.ts";

/** Images of one index that are looked into. */
const IMAGES_MAX = 100;

/** On a layer's descriptor: what its bytes are uncompressed, and when it was made. */
export const UNCOMPRESSED_ANNOTATION = "containerd.io/uncompressed";
export const CREATED_ANNOTATION = "buildkit/createdat";

/**
 * Reads what a manifest or an index tells: a cache of its own, or the caches that images carry in their configurations. Throws
 * CacheError and RegistryError.
 */
export async function readCache(source: ManifestSource, root: Descriptor, signal: AbortSignal): Promise<readonly ReadCache[]> {
  const { descriptor, bytes } = await source.manifest(root.digest, signal);
  // What is missing of it is seen below.
  const document = parseJson(bytes) as Partial<Manifest & ImageIndex>;
  const entries = [...(document.config === undefined ? [] : [document.config]), ...(document.layers ?? []), ...(document.manifests ?? [])];
  const config = entries.find(({ mediaType }) => mediaType === CACHE_CONFIG_TYPE);
  if (config !== undefined) return [await readOwnCache(source, config, entries, signal)];
  if (isManifest(descriptor.mediaType)) return await readInlineCache(source, document, signal);
  if (!isIndex(descriptor.mediaType)) throw new CacheError("invalid", `${source.name} is no cache, but ${descriptor.mediaType}`);
  return await readImages(source, document.manifests ?? [], signal);
}

async function readOwnCache(source: ManifestSource, config: Descriptor, entries: readonly Descriptor[], signal: AbortSignal): Promise<ReadCache> {
  const parsed = parseCacheConfig(await readDocument(source, config, signal));
  const layers = new Map(entries.flatMap((entry) => {
    const layer = sharedLayer(entry);
    return layer === undefined ? [] : [[layer.descriptor.digest, layer] as const];
  }));
  return { config: parsed, layer: (index) => layers.get(parsed.layers[index]?.blob ?? config.digest) };
}

async function readImages(source: ManifestSource, manifests: readonly Descriptor[], signal: AbortSignal): Promise<readonly ReadCache[]> {
  const images = manifests.filter(({ mediaType, annotations }) => isManifest(mediaType) && annotations?.["vnd.docker.reference.type"] === undefined);
  if (images.length > IMAGES_MAX) throw new CacheError("invalid", `${source.name} has more than ${IMAGES_MAX} images`);
  const caches = await Promise.all(images.map(async ({ digest }) => await readInlineCache(source, parseJson((await source.manifest(digestOfText(digest), signal)).bytes) as Partial<Manifest>, signal)));
  return caches.flat();
}

/** Undefined for what does not say what layer it is. */
function sharedLayer(descriptor: Descriptor): SharedLayer | undefined {
  const { mediaType, digest, size, annotations } = descriptor;
  const uncompressed = annotations?.[UNCOMPRESSED_ANNOTATION];
  if (uncompressed === undefined || !Number.isSafeInteger(size)) return undefined;
  // Same form as any digest; the type says that it names uncompressed bytes.
  return { descriptor: { mediaType, digest: digestOfText(digest), size, ...estargzAnnotations(descriptor) }, diffId: digestOfText(uncompressed) as string as DiffId, createdNs: timeOf(annotations?.[CREATED_ANNOTATION]) };
}
