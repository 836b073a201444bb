import type { Layer, LayerChain, LayerId } from "../snapshot/layer.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import type { CacheKey } from "../solver/cache-key.ts";
import type { CacheRecord, ResultCache } from "../solver/result-cache.ts";
import type { StateDatabase } from "../store/state-database.ts";

/** Layers that are not in the store yet and could be fetched: those of the images that this build has opened. */
export type FindRemoteLayer = (id: LayerId) => Layer | undefined;

export interface LayerCacheServices {
  readonly database: StateDatabase;
  readonly layers: LayerStore;
  readonly remote: FindRemoteLayer;
}

/** Results of earlier builds as lists of layer ids. A record one of whose layers is gone is no answer. */
export function layerResultCache({ database, layers, remote }: LayerCacheServices): ResultCache<LayerChain> {
  // A layer of an image stays what it was, so that an exporter still knows where its blob is.
  const find = (id: LayerId): Layer | undefined => remote(id) ?? layers.find(id);
  return {
    async find(key) {
      const text = database.cacheRecord(key);
      return text === undefined ? undefined : parseRecord(text, find);
    },
    async save(key, { outputKey, results }) {
      database.saveCacheRecord(key, JSON.stringify({ outputKey, results: results.map((chain) => chain.map(({ id }) => id)) }));
    },
  };
}

function parseRecord(text: string, find: (id: LayerId) => Layer | undefined): CacheRecord<LayerChain> | undefined {
  // Written by save().
  const { outputKey, results } = JSON.parse(text) as { outputKey: CacheKey; results: LayerId[][] };
  const chains = results.map((ids) => ids.map(find));
  const complete = chains.filter((chain): chain is Layer[] => !chain.includes(undefined));
  return complete.length === chains.length ? { outputKey, results: complete } : undefined;
}
