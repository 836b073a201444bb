import type { Descriptor } from "../oci/descriptor.ts";
import type { LlbGraph } from "../llb/graph.ts";
import type { StepLayers } from "../provenance/source-map.ts";
import { originOf } from "../snapshot/image-layer.ts";
import type { Layer, LayerChain } from "../snapshot/layer.ts";
import type { LayerDescriptors } from "./platform-result.ts";
import type { SolvedGraphs } from "./solve-graphs.ts";

/**
 * The layers after each step, for the steps whose every layer is in the exported image or in a base.
 * Layers of other steps have no descriptor: nobody has serialised them, and nobody will for the record's sake.
 */
export async function stepLayers(graph: LlbGraph, solved: Pick<SolvedGraphs, "known">, descriptors: LayerDescriptors): Promise<StepLayers[]> {
  const found = await Promise.all([...graph.vertices.keys()].map(async (vertex) => {
    const chains = (await solved.known(vertex)) ?? [];
    return chains.flatMap((chain, output): StepLayers[] => {
      const described = describeChain(chain, descriptors);
      return described === undefined ? [] : [{ vertex, output, chains: [described] }];
    });
  }));
  return found.flat();
}

function describeChain(chain: LayerChain, descriptors: LayerDescriptors): Descriptor[] | undefined {
  const described = chain.flatMap((layer) => descriptorOf(layer, descriptors) ?? []);
  return chain.length > 0 && described.length === chain.length ? described : undefined;
}

/** The bytes alone: what else a manifest says of a layer is no part of the record. */
function descriptorOf(layer: Layer, descriptors: LayerDescriptors): Descriptor | undefined {
  const known = descriptors.get(layer.id) ?? originOf(layer)?.descriptor;
  return known && { mediaType: known.mediaType, digest: known.digest, size: known.size };
}
