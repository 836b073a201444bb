import type { ByteStream } from "../content/blob-store.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { ImportedLayer } from "../snapshot/imported-layer.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import { imageLayerId, type Layer, type LayerId } from "../snapshot/layer.ts";
import type { LayerFacts } from "../store/layer-facts.ts";
import type { ReadCache } from "./cache-document.ts";
import type { CacheResult } from "./cache-config.ts";
import type { CacheBlobs, SharedLayer } from "./cache-source.ts";
import type { OpenResult } from "./imported-cache.ts";

export interface ResultMeans {
  /** What passes on the bytes of a layer that is fetched, and may look at them. */
  readonly passing: (descriptor: Descriptor, bytes: ByteStream) => ByteStream;
  readonly layers: LayerStore;
  readonly facts: LayerFacts;
  /** A layer of an image that this build stands on. */
  readonly findBase: (id: LayerId) => Layer | undefined;
}

/** Opens results whose layers are all there, here or in the cache; none of them is fetched for it. */
export function resultOpener({ config, layer }: ReadCache, blobs: CacheBlobs, means: ResultMeans): OpenResult {
  return async (result, signal) => {
    const chain: Layer[] = [];
    for (const index of layersOf(config.layers, result)) {
      const shared = layer(index);
      const opened = shared && (await openLayer(shared, chain, { blobs, means }, signal));
      if (opened === undefined) return undefined;
      chain.push(opened);
    }
    return chain;
  };
}

function layersOf(layers: ReadCache["config"]["layers"], result: CacheResult): readonly number[] {
  if (result.kind === "picked") return result.layers;
  const indexes: number[] = [];
  // Their parents were checked to end.
  for (let at = result.top; at !== -1; at = layers[at]?.parent ?? -1) indexes.push(at);
  return indexes.toReversed();
}

interface OpenMeans {
  readonly blobs: CacheBlobs;
  readonly means: ResultMeans;
}

async function openLayer({ descriptor, diffId, createdNs }: SharedLayer, below: readonly Layer[], { blobs, means }: OpenMeans, signal: AbortSignal): Promise<Layer | undefined> {
  const id = imageLayerId(diffId);
  const base = means.findBase(id);
  // A step may have made what some image has; a base is what has only a base below it.
  if (base !== undefined && below.every((layer) => means.findBase(layer.id) === layer)) return base;
  if (createdNs !== undefined) means.facts.saveCreated(id, createdNs);
  means.facts.saveImported(id);
  // Its blob is better than ours made anew: what was pushed before has the same.
  if (!(await blobs.hasBlob(descriptor, signal))) return means.layers.find(id);
  return new ImportedLayer({ diffId, descriptor, repository: blobs.repository, fetch: (fetchSignal) => means.passing(descriptor, blobs.blob(descriptor, fetchSignal)) }, { cache: blobs.name, createdNs }, means.layers);
}
