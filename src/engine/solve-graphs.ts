import type { Digest } from "../content/digest.ts";
import { requireStep } from "../ops/exec.ts";
import type { LlbGraph } from "../llb/graph.ts";
import type { Definition } from "../llb/definition.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { CacheKey } from "../solver/cache-key.ts";
import type { KeyHistory } from "../solver/miss-reason.ts";
import type { Vertex } from "../solver/operation.ts";
import type { ResultCache } from "../solver/result-cache.ts";
import type { Semaphore } from "../solver/semaphore.ts";
import type { SolveObserver } from "../solver/solve-context.ts";
import type { Recipe } from "../solver/recipe.ts";
import type { Sharing } from "../solver/shared-cache.ts";
import { Solver } from "../solver/solve.ts";
import type { BuildServices } from "./build-services.ts";
import { admittedGraphs } from "./admitted-graphs.ts";
import { operationsOf } from "./operations.ts";
import { knownChains } from "./known-chains.ts";
import { explainHit, explainMiss } from "./step-reason.ts";

/** Definitions with the trees that they lead to. */
export interface SolvedGraphs {
  /** One for each definition, in order; empty for an empty tree. */
  readonly chains: readonly LayerChain[];
  readonly graphs: readonly LlbGraph[];
  /** The trees of a vertex, as far as this build has seen them, or they follow from what it has seen. */
  known(vertex: Digest): Promise<readonly LayerChain[] | undefined>;
  /** How other builders may know an output of a vertex. */
  recipes(vertex: Digest, index: number): Promise<readonly Recipe[]>;
}

export interface SolveMeans {
  readonly services: BuildServices;
  readonly cache: ResultCache<LayerChain>;
  readonly sharing: Sharing<LayerChain> | undefined;
  readonly semaphore: Semaphore;
  /** Results of this build, shared by all its solves. */
  readonly made: Map<CacheKey, readonly LayerChain[]>;
  readonly keys: KeyHistory<Vertex<LayerChain>>;
  /** For names of steps that are kept. */
  readonly maskName: (name: string) => string;
  /** Told of each graph before it is solved: who explains a failure needs its steps. */
  readonly onGraph: (graph: LlbGraph) => void;
}

/** Solves definitions together, so that what they have in common is done once. Rejects with VertexError. */
export async function solveGraphs(definitions: readonly Definition[], { services, cache, sharing, semaphore, made, keys, maskName, onGraph }: SolveMeans, signal: AbortSignal): Promise<SolvedGraphs> {
  const graphs = await admittedGraphs(definitions, services, signal);
  graphs.forEach(onGraph);
  for (const { vertices } of graphs) services.steps.planned(vertices.values());
  const merged: LlbGraph = { vertices: new Map(graphs.flatMap((graph) => [...graph.vertices])), head: undefined };
  // Before anything runs, as BuildKit looks at the graph when it loads it.
  for (const { op, metadata } of merged.vertices.values()) if (op.op.case === "exec") await requireStep(op.op.value, metadata.linuxResources, { ...services.exec, isProxied: services.proxies !== undefined });
  const solver = new Solver({ graph: operationsOf(merged, services), cache, semaphore, made, sharing, observer: observerOf(merged, services, maskName), keys });
  const chains = await Promise.all(graphs.map(async ({ head }) => (head === undefined ? [] : await solver.result({ vertex: head.digest, index: head.index }, signal))));
  services.steps.spared();
  return { chains, graphs, known: knownChains(graphs, (vertex) => solver.known(vertex)), recipes: (vertex, index) => solver.recipes({ vertex, index }) };
}

function observerOf(graph: LlbGraph, { steps, fetches, file }: BuildServices, maskName: (name: string) => string): SolveObserver<LayerChain> {
  const isSource = (vertex: Vertex<LayerChain>): boolean => graph.vertices.get(vertex.digest)?.op.op.case === "source";
  return {
    // A source does its work when it is named: a directory is read, an image is looked up.
    keying: (vertex, work) => (isSource(vertex) ? steps.step(vertex, work) : steps.prelude(vertex, work)),
    running: (vertex, work) => (isSource(vertex) ? work() : steps.step(vertex, work)),
    cached(vertex, reason, results) {
      for (const chain of results) fetches.own(vertex.digest, chain);
      steps.cached(vertex);
      steps.explained(vertex.digest, explainHit(reason));
    },
    loaded(vertex, reason) {
      steps.loaded(vertex);
      steps.explained(vertex.digest, explainHit(reason));
    },
    missed: (vertex, reason) => steps.explained(vertex.digest, explainMiss(vertex.digest, reason, graph)),
    made(vertex, results) {
      if (isSource(vertex)) return;
      for (const chain of results) {
        const top = chain.at(-1);
        if (top !== undefined) file.facts.saveStep(top.id, { name: maskName(vertex.name), below: chain.slice(0, -1).map(({ id }) => id) });
      }
    },
  };
}
