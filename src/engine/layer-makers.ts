import type { Definition } from "../llb/definition.ts";
import type { LlbGraph } from "../llb/graph.ts";
import { networkOf } from "../ops/step-network.ts";
import type { LayerMaker } from "../rebuild/describe-difference.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import { layerSteps, type LayerStep } from "./layer-steps.ts";
import type { SolvedGraphs } from "./solve-graphs.ts";

/** The graph that a result came from. */
export interface SolvedDefinition {
  readonly graph: LlbGraph;
  readonly definition: Definition;
  readonly solved: Pick<SolvedGraphs, "known">;
}

/** Who made each layer of a result, from the base up. */
export async function layerMakers(chain: LayerChain, { graph, definition, solved }: SolvedDefinition): Promise<readonly LayerMaker[]> {
  const steps = await layerSteps(graph, definition, solved);
  return chain.map(({ id }) => describeMaker(steps.get(id), { graph, definition }));
}

function describeMaker(step: LayerStep | undefined, { graph, definition }: Omit<SolvedDefinition, "solved">): LayerMaker {
  const vertex = step && graph.vertices.get(step.vertex);
  if (vertex === undefined) return { step: "a step that nobody remembers", place: undefined, networked: false };
  const [first] = step?.places ?? [];
  const file = first && definition.source?.infos[first.file]?.filename;
  const { op } = vertex.op;
  return { step: vertex.name, place: file === undefined ? undefined : `${file}:${first?.startLine}`, networked: op.case === "exec" && networkOf(op.value) !== "none" };
}
