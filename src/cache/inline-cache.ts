import type { DiffId } from "../content/digest.ts";
import { estargzAnnotations } from "../oci/estargz-annotations.ts";
import type { Manifest } from "../oci/manifest.ts";
import { readDocument, timeOf, type ReadCache } from "./cache-document.ts";
import { CacheError } from "./cache-error.ts";
import type { ManifestSource, SharedLayer } from "./cache-source.ts";
import { checkCacheConfig, digestOfText, listOf, objectOf, parseJson } from "./parse-cache-config.ts";

/** Member of an image's configuration: records in base64, whose layers are those of the image. */
export const INLINE_CACHE_KEY = "moby.buildkit.cache.v0";

/** More than any image has. */
const LAYERS_MAX = 1_000;

/** None for an image that carries no cache. Throws CacheError ("invalid") for one that is broken. */
export async function readInlineCache(source: ManifestSource, { config: descriptor, layers: blobs = [] }: Partial<Manifest>, signal: AbortSignal): Promise<readonly ReadCache[]> {
  if (descriptor === undefined || blobs.length === 0) return [];
  const config = objectOf(parseJson(await readDocument(source, descriptor, signal)), "the image's configuration");
  const text = config[INLINE_CACHE_KEY];
  if (typeof text !== "string") return [];
  const diffIds = listOf(objectOf(config["rootfs"], "rootfs")["diff_ids"], "layers", LAYERS_MAX).map((diffId) => digestOfText(diffId) as string as DiffId);
  if (diffIds.length !== blobs.length) throw new CacheError("invalid", `${source.name}: the manifest has ${blobs.length} layers, its configuration ${diffIds.length}`);
  const created = createdTimes(config["history"]);
  const layers = blobs.map((blob, i): SharedLayer | undefined => {
    const { mediaType, digest, size } = blob;
    const diffId = diffIds[i];
    return diffId && { descriptor: { mediaType, digest: digestOfText(digest), size, ...estargzAnnotations(blob) }, diffId, createdNs: created[i] };
  });
  const records: unknown = parseJson(Buffer.from(text, "base64"));
  const parsed = checkCacheConfig({ layers: layers.map((layer, i) => ({ blob: layer?.descriptor.digest, parent: i - 1 })), records });
  return [{ config: parsed, layer: (index) => layers[index] }];
}

function createdTimes(history: unknown): ReadonlyArray<bigint | undefined> {
  const entries = listOf(history, "steps of a history", Number.MAX_SAFE_INTEGER).map((entry) => objectOf(entry, "a step of the history"));
  return entries.filter((entry) => entry["empty_layer"] !== true).map(({ created }) => timeOf(typeof created === "string" ? created : undefined));
}
