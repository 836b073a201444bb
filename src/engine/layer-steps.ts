import type { Digest } from "../content/digest.ts";
import type { Definition } from "../llb/definition.ts";
import type { LlbGraph, LlbVertex } from "../llb/graph.ts";
import { numberSteps, stepGraph } from "../provenance/steps.ts";
import type { LayerChain, LayerId } from "../snapshot/layer.ts";
import type { SolvedGraphs } from "./solve-graphs.ts";

/** Lines of a Dockerfile, from 1, both inclusive. */
export interface StepPlace {
  /** Index into the definition's source files. */
  readonly file: number;
  readonly startLine: number;
  readonly endLine: number;
}

/** The step that brought a layer: the one that made it, or the source whose image it came with. */
export interface LayerStep {
  readonly vertex: Digest;
  /** `step4`, as the provenance names it. */
  readonly id: string;
  readonly places: readonly StepPlace[];
}

/** Each layer of a result's graph with its step. What the graph does not know of is left out, and nothing is guessed. */
export async function layerSteps(graph: LlbGraph, definition: Definition, solved: Pick<SolvedGraphs, "known">): Promise<ReadonlyMap<LayerId, LayerStep>> {
  const { order, numbers } = numberSteps(stepGraph(definition));
  const steps = new Map<LayerId, LayerStep>();
  for (const digest of order) {
    const vertex = graph.vertices.get(digest);
    if (vertex === undefined) continue;
    const step = { vertex: digest, id: `step${numbers.get(digest)}`, places: placesOf(vertex) };
    for (const layer of await ownLayers(vertex, solved)) if (!steps.has(layer)) steps.set(layer, step);
  }
  return steps;
}

/** A step adds to what it stands on; of inputs that nobody knows, only what lies on top can be its own. */
async function ownLayers(vertex: LlbVertex, solved: Pick<SolvedGraphs, "known">): Promise<readonly LayerId[]> {
  // It puts together what others made.
  if (vertex.op.op.case === "merge") return [];
  const chains = (await solved.known(vertex.digest)) ?? [];
  const inputs = await Promise.all(vertex.inputs.map(({ digest }) => solved.known(digest)));
  if (inputs.some((input) => input === undefined)) return chains.flatMap((chain) => chain.at(-1)?.id ?? []);
  const below = new Set(inputs.flatMap((input) => (input ?? []).flatMap(idsOf)));
  return chains.flatMap(idsOf).filter((id) => !below.has(id));
}

function idsOf(chain: LayerChain): readonly LayerId[] {
  return chain.map(({ id }) => id);
}

/** Lines that follow each other are one range: a continued instruction is located line by line. */
function placesOf({ locations }: LlbVertex): readonly StepPlace[] {
  const places = locations.flatMap(({ sourceIndex, ranges }) => ranges.flatMap(({ start, end }): StepPlace[] => (start === undefined ? [] : [{ file: sourceIndex, startLine: start.line, endLine: Math.max(start.line, end?.line ?? start.line) }])));
  const joined: StepPlace[] = [];
  for (const place of places.toSorted((a, b) => a.file - b.file || a.startLine - b.startLine)) {
    const last = joined.at(-1);
    if (last !== undefined && last.file === place.file && place.startLine <= last.endLine + 1) joined.splice(-1, 1, { ...last, endLine: Math.max(last.endLine, place.endLine) });
    else joined.push(place);
  }
  return joined;
}
