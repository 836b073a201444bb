import type { ByteStream } from "../content/blob-store.ts";
import type { Digest } from "../content/digest.ts";
import { verified } from "../content/verified.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { writeCacheConfig, type CacheLayer } from "./cache-config.ts";
import type { ReadCache } from "./cache-document.ts";
import { CacheError } from "./cache-error.ts";
import type { CacheBlobs, SharedLayer } from "./cache-source.ts";
import { parseCacheConfig } from "./parse-cache-config.ts";
import type { RecordGraph } from "./record-graph.ts";

/** A place without manifests: names lead to configurations, digests to blobs. Its calls reject with CacheError. */
export interface KeyedStore extends AsyncDisposable {
  /** Uploads at a time. */
  readonly parallelism: number;
  /** The configurations under the names that it was opened with; those that are not there are left out. */
  configs(signal: AbortSignal): Promise<readonly Uint8Array[]>;
  /** True also makes sure that it stays for a while, where the place forgets what nobody uses. */
  hasBlob(digest: Digest, signal: AbortSignal): Promise<boolean>;
  blob(digest: Digest, signal: AbortSignal): ByteStream;
  putBlob(blob: Pick<Descriptor, "digest" | "size">, open: () => ByteStream, signal: AbortSignal): Promise<void>;
  putConfig(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
}

/** Throws CacheError where there is nothing under any name. */
export async function readKeyedCache(store: KeyedStore, name: string, signal: AbortSignal): Promise<readonly ReadCache[]> {
  const configs = await store.configs(signal);
  if (configs.length === 0) throw new CacheError("missing", `${name}: not found`);
  return configs.map((bytes) => {
    const config = parseCacheConfig(bytes);
    return { config, layer: (index) => layerOf(config.layers[index]) };
  });
}

function layerOf(layer: CacheLayer | undefined): SharedLayer | undefined {
  if (layer?.annotations === undefined) return undefined;
  const { mediaType, sizeBytes, diffId, createdNs } = layer.annotations;
  // A time before 1970 is Go's for none.
  return { descriptor: { mediaType, digest: layer.blob, size: sizeBytes }, diffId, createdNs: createdNs <= 0n ? undefined : createdNs };
}

/** The blobs of such a place, checked against their digests. */
export function keyedBlobs(store: KeyedStore, name: string): CacheBlobs {
  return {
    name,
    repository: undefined,
    hasBlob: ({ digest }, signal) => store.hasBlob(digest, signal),
    blob: ({ digest, size }, signal) => verified(store.blob(digest, signal), digest, size),
  };
}

/** What is written: each layer by its digest, and where its bytes are. */
export interface KeyedContent {
  readonly layers: ReadonlyMap<Digest, SharedLayer>;
  readonly read: (digest: Digest, signal: AbortSignal) => ByteStream;
  readonly onWritten: (layer: SharedLayer) => void;
}

/** Go's zero time, in nanoseconds since the epoch: `0001-01-01T00:00:00Z`. */
const NO_TIME_NS = -62_135_596_800_000_000_000n;

/** Writes blobs, and then the configuration: who reads at the same time finds what was there before, or all of it. */
export async function writeKeyedCache(graph: RecordGraph, { layers, read, onWritten }: KeyedContent, store: KeyedStore, signal: AbortSignal): Promise<"written" | "empty"> {
  const config = graph.config((blob) => {
    const layer = layers.get(blob);
    return layer && { mediaType: layer.descriptor.mediaType, diffId: layer.diffId, sizeBytes: layer.descriptor.size, createdNs: layer.createdNs ?? NO_TIME_NS };
  });
  if (config.layers.length === 0) return "empty";
  const blobs = new Set(config.layers.map(({ blob }) => blob)).values();
  const work = async (): Promise<void> => {
    // One iterator is shared by all workers: each takes the next blob that nobody has taken.
    for (const digest of blobs) {
      const layer = layers.get(digest);
      if (layer === undefined || (await store.hasBlob(digest, signal))) continue;
      await store.putBlob(layer.descriptor, () => read(digest, signal), signal);
      onWritten(layer);
    }
  };
  await Promise.all(Array.from({ length: store.parallelism }, work));
  await store.putConfig(writeCacheConfig(config), signal);
  return "written";
}
