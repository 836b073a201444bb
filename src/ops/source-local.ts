import type { LayerChain } from "../snapshot/layer.ts";
import type { Operation } from "../solver/operation.ts";
import { NOT_SHARED } from "../solver/shared-cache.ts";
import type { LocalLayer } from "../source/local-layer.ts";

/**
 * A directory that the client lends. It is looked at in every build, and keyed by what was found:
 * paths, modes and content. Names, sizes and times of the directory identify nothing.
 */
export function localOperation(read: (signal: AbortSignal) => Promise<LocalLayer>): Operation<LayerChain> {
  return {
    cacheMap: async (signal) => ({ digest: (await read(signal)).root, contentOf: [], reusable: false, shared: () => NOT_SHARED }),
    execute: async (_inputs, signal) => [[(await read(signal)).layer]],
  };
}
