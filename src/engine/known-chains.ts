import type { Digest } from "../content/digest.ts";
import type { LlbEdge, LlbGraph, LlbVertex } from "../llb/graph.ts";
import type { LayerChain } from "../snapshot/layer.ts";

type Known = (vertex: Digest) => Promise<readonly LayerChain[] | undefined>;

/** A step whose output is that of another with one layer on top. */
interface Consumer {
  readonly vertex: Digest;
  readonly output: number;
}

/**
 * What `known` says, and where it knows nothing, what follows from it. A step that was found in the cache has nobody look at
 * those before it, and what is remembered of one of these may be gone. A step adds one layer to the tree that it works on, so
 * without that layer its result is what it stands on.
 */
export function knownChains(graphs: readonly LlbGraph[], known: Known): Known {
  const consumers = consumersIn(graphs);
  const followed = new Map<Digest, Promise<readonly LayerChain[] | undefined>>();
  const follow = async (vertex: Digest): Promise<readonly LayerChain[] | undefined> => {
    for (const consumer of consumers.get(vertex) ?? []) {
      const chain = (await chains(consumer.vertex))?.[consumer.output];
      if (chain !== undefined && chain.length > 0) return [chain.slice(0, -1)];
    }
    return undefined;
  };
  const chains: Known = async (vertex) => {
    const said = await known(vertex);
    if (said !== undefined) return said;
    const asked = followed.get(vertex) ?? follow(vertex);
    followed.set(vertex, asked);
    return await asked;
  };
  return chains;
}

/** By the step whose first output they change. */
function consumersIn(graphs: readonly LlbGraph[]): ReadonlyMap<Digest, readonly Consumer[]> {
  const consumers = new Map<Digest, Consumer[]>();
  for (const vertex of graphs.flatMap(({ vertices }) => [...vertices.values()])) {
    for (const [output, base] of changedInputs(vertex)) {
      if (base.index !== 0) continue;
      consumers.set(base.digest, [...(consumers.get(base.digest) ?? []), { vertex: vertex.digest, output }]);
    }
  }
  return consumers;
}

/** Outputs with the input that each is, but for one layer. */
function changedInputs({ op: { op }, inputs }: LlbVertex): ReadonlyArray<readonly [output: number, input: LlbEdge]> {
  if (op.case === "exec") return op.value.mounts.flatMap(({ input, output }) => pair(Number(output), inputs[Number(input)]));
  if (op.case !== "file") return [];
  const [action, ...more] = op.value.actions;
  // Of several, each tree that two of them use is written by itself.
  return action === undefined || more.length > 0 ? [] : pair(Number(action.output), inputs[Number(action.input)]);
}

function pair(output: number, input: LlbEdge | undefined): ReadonlyArray<readonly [number, LlbEdge]> {
  return output < 0 || input === undefined ? [] : [[output, input]];
}
