import type { Digest } from "../content/digest.ts";
import type { LlbEdge, LlbGraph } from "../llb/graph.ts";
import type { LayerChain, LayerId } from "../snapshot/layer.ts";
import { isLent } from "../source/local-layer.ts";
import type { Recipe } from "../solver/recipe.ts";
import type { SolvedGraphs } from "./solve-graphs.ts";

/** One output of a step, as others may know it. */
export interface SharedStep {
  readonly recipes: readonly Recipe[];
  /** Undefined where nobody made it in this build, and for what is made by looking it up. */
  readonly chain: LayerChain | undefined;
}

/** What a build can tell others: each step after those that it stands on. */
export async function sharedSteps(solved: Pick<SolvedGraphs, "graphs" | "known" | "recipes">): Promise<readonly SharedStep[]> {
  const steps: SharedStep[] = [];
  for (const graph of solved.graphs) {
    const used = usedOutputs(graph);
    for (const { digest, inputs } of graph.vertices.values()) {
      const chains = inputs.length === 0 ? undefined : await solved.known(digest);
      for (const index of used.get(digest) ?? []) {
        const recipes = await solved.recipes(digest, index);
        if (recipes.length > 0) steps.push({ recipes, chain: chains?.[index] });
      }
    }
  }
  return steps;
}

/** `min` leaves out results that hold more than the layers of the end results do. What lies with a client is in no result. */
export function withResults(steps: readonly SharedStep[], mode: "min" | "max", ends: readonly LayerChain[]): readonly SharedStep[] {
  const wanted = new Set<LayerId>(ends.flatMap((chain) => chain.map(({ id }) => id)));
  const isTold = (chain: LayerChain): boolean => chain.length > 0 && !chain.some(isLent) && (mode === "max" || chain.every(({ id }) => wanted.has(id)));
  return steps.map(({ recipes, chain }) => ({ recipes, chain: chain !== undefined && isTold(chain) ? chain : undefined }));
}

function usedOutputs({ vertices, head }: LlbGraph): ReadonlyMap<Digest, ReadonlySet<number>> {
  const used = new Map<Digest, Set<number>>();
  const add = ({ digest, index }: LlbEdge): void => void used.set(digest, (used.get(digest) ?? new Set()).add(index));
  for (const { inputs } of vertices.values()) inputs.forEach(add);
  if (head !== undefined) add(head);
  return used;
}
