import { originOf } from "../snapshot/image-layer.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { Operation } from "../solver/operation.ts";
import type { LayerFacts } from "../store/layer-facts.ts";

/** Whether a tree has layers that nobody here has made: out of a cache that another machine wrote, or made of what came from one. Those of the base, which are the lowest, are an input. */
export function isMadeElsewhere(chain: LayerChain, facts: Pick<LayerFacts, "isImported">): boolean {
  const ownFrom = chain.findIndex((layer) => originOf(layer) === undefined);
  return ownFrom >= 0 && chain.slice(ownFrom).some(({ id }) => facts.isImported(id));
}

/** Keeps of each new layer whether it was made of what nobody here has made: a later build may find the layer, and not look at that any more. */
export function keepingOrigin(operation: Operation<LayerChain>, facts: Pick<LayerFacts, "isImported" | "saveImported">): Operation<LayerChain> {
  return {
    ...operation,
    async execute(inputs, signal) {
      const chains = await operation.execute(inputs, signal);
      if (!inputs.some((chain) => isMadeElsewhere(chain, facts))) return chains;
      const given = new Set(inputs.flat().map(({ id }) => id));
      for (const top of chains.flatMap((chain) => chain.at(-1) ?? [])) if (!given.has(top.id)) facts.saveImported(top.id);
      return chains;
    },
  };
}
