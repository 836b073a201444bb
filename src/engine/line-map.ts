import { digestOf } from "../content/digest.ts";
import type { Statement } from "../export/statement.ts";
import type { Definition } from "../llb/definition.ts";
import type { LlbGraph } from "../llb/graph.ts";
import { LINE_MAP, lineMapStatement, type LineMap, type MappedLayer } from "../provenance/line-map.ts";
import type { Subject } from "../provenance/subject.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import { originOf } from "../snapshot/image-layer.ts";
import { layerSteps } from "./layer-steps.ts";
import type { Pins } from "./pins.ts";
import type { LayerDescriptors } from "./platform-result.ts";
import type { SolvedGraphs } from "./solve-graphs.ts";

export interface MappedResult {
  readonly graph: LlbGraph;
  readonly definition: Definition;
  readonly chain: LayerChain;
  readonly solved: Pick<SolvedGraphs, "known">;
  readonly commit: LineMap["commit"];
  readonly pins: Pins;
}

/** The map from an image's layers to lines. */
export async function lineMap({ graph, definition, chain, solved, commit, pins }: MappedResult, descriptors: LayerDescriptors, subjects: readonly Subject[]): Promise<Statement> {
  const steps = await layerSteps(graph, definition, solved);
  const layers = chain.flatMap((layer): MappedLayer[] => {
    const digest = (descriptors.get(layer.id) ?? originOf(layer)?.descriptor)?.digest;
    const step = steps.get(layer.id);
    if (digest === undefined || step === undefined) return [];
    const pin = pins.get(step.vertex);
    return [{ digest, step: step.id, image: pin?.kind === "image" ? pin.digest : undefined, lines: step.places.map(({ file, startLine, endLine }) => ({ file, start: startLine, end: endLine })) }];
  });
  const files = (definition.source?.infos ?? []).map(({ data }) => digestOf(data));
  return { predicateType: LINE_MAP, bytes: lineMapStatement({ layers, files, commit }, subjects), filename: "line-map.json" };
}
