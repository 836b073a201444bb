import type { LlbGraph, LlbVertex } from "../llb/graph.ts";
import type { ExecOp } from "../llb/op.ts";
import { formatReference } from "../oci/reference.ts";
import { networkOf } from "../ops/step-network.ts";
import { EMPTY_CAPTURE, execCapture, mergeCaptures, type Capture, type ImageCapture, type IsolationCapture, type ProxiedRun, type SeenRequests } from "../provenance/capture.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { GitRequest } from "../source/git-request.ts";
import type { LayerFacts } from "../store/layer-facts.ts";
import type { LookedAt } from "./bridge-reference.ts";
import type { ContainerUse } from "./bridge-container.ts";
import { isMadeElsewhere } from "./made-elsewhere.ts";
import type { Pin, Pins } from "./pins.ts";
import type { SolvedGraphs } from "./solve-graphs.ts";

export interface CaptureSources {
  readonly solved: Pick<SolvedGraphs, "known">;
  readonly pins: Pins;
  /** What the frontend read and looked up before there was a graph. */
  readonly frontend: { readonly pins: readonly Pin[]; readonly images: readonly ImageCapture[]; readonly looked: readonly LookedAt[]; readonly containers: readonly ContainerUse[] };
  readonly facts: LayerFacts;
  /** Whether steps reach the network through our proxy only. */
  readonly isProxied: boolean;
}

/**
 * What one platform's result was made of. It follows from the graph and from what its inputs were pinned to, so a
 * step that a cache answered for is told just as one that ran.
 */
export async function captureGraph(graph: LlbGraph, sources: CaptureSources): Promise<Capture> {
  const { pins, images, looked, containers } = sources.frontend;
  const seen = await Promise.all(looked.map(({ solved }) => captureSolved(solved, sources)));
  const used = await Promise.all(containers.map((container) => captureContainer(container, sources)));
  return mergeCaptures([{ ...EMPTY_CAPTURE, images }, ...pins.map(capturePin), ...seen.flat(), ...used, ...(await captureSteps(graph, sources))]);
}

async function captureSteps(graph: LlbGraph, sources: CaptureSources): Promise<readonly Capture[]> {
  return await Promise.all([...graph.vertices.values()].map((vertex) => captureVertex(vertex, sources)));
}

async function captureSolved(solved: SolvedGraphs, sources: CaptureSources): Promise<readonly Capture[]> {
  return (await Promise.all(solved.graphs.map((graph) => captureSteps(graph, { ...sources, solved })))).flat();
}

/** A frontend's result can depend on what it did in a container as on what a RUN did: what was mounted counts, and each process. */
async function captureContainer({ solved, processes, requests }: ContainerUse, sources: CaptureSources): Promise<Capture> {
  // Nobody can tell which of them asked: they are told as the first one's.
  const seen = (i: number): SeenRequests | undefined => (i === 0 || requests === undefined ? requests : { files: [], incomplete: [] });
  const proxied = (op: ExecOp, i: number): ProxiedRun | undefined => (sources.isProxied && networkOf(op) !== "none" ? { op: undefined, seen: seen(i) } : undefined);
  const mounted = solved === undefined ? [] : await captureSolved(solved, sources);
  return mergeCaptures([...mounted, ...processes.map(({ op, isolation }, i) => execCapture(op, isolation, proxied(op, i)))]);
}

async function captureVertex(vertex: LlbVertex, sources: CaptureSources): Promise<Capture> {
  const { solved, pins, facts } = sources;
  if (vertex.op.op.case !== "source") {
    const chains = (await solved.known(vertex.digest)) ?? [];
    return { ...captureRun(vertex, chains, sources), imported: chains.some((chain) => isMadeElsewhere(chain, facts)) };
  }
  const pin = pins.get(vertex.digest);
  // A source that nobody looked at is not part of the result; one that was looked at always has a pin.
  return pin === undefined ? EMPTY_CAPTURE : capturePin(pin);
}

function captureRun({ op: { op }, digest }: LlbVertex, chains: readonly LayerChain[], { facts, isProxied }: CaptureSources): Capture {
  if (op.case !== "exec") return EMPTY_CAPTURE;
  const layerId = chains[0]?.at(-1)?.id;
  const proxied = isProxied && networkOf(op.value) !== "none" ? { op: digest, seen: requestsOf(layerId, facts) } : undefined;
  return execCapture(op.value, isolationOf(layerId, facts), proxied);
}

function capturePin(pin: Pin): Capture {
  switch (pin.kind) {
    case "image":
      return { ...EMPTY_CAPTURE, images: [{ ref: formatReference(pin.reference), platform: pin.platform, digest: pin.digest, layout: pin.layout }] };
    case "http":
      return { ...EMPTY_CAPTURE, http: [{ url: pin.url, digest: pin.digest }] };
    case "git":
      return captureGit(pin.request, pin.commit);
    case "local":
      return { ...EMPTY_CAPTURE, locals: [{ name: pin.name, digest: pin.root }] };
  }
}

/** The secrets and the agent are offered to every repository, whether it asks for them or not. */
function captureGit({ name, tokenSecret, headerSecret, sshId }: GitRequest, commit: string): Capture {
  const secrets = [tokenSecret, headerSecret].filter((id) => id !== "").map((id) => ({ id, optional: true }));
  return { ...EMPTY_CAPTURE, git: [{ url: name, commit }], secrets, ssh: sshId === "" ? [] : [{ id: sshId, optional: true }] };
}

/** Told by the sandbox when the step ran, in this build or an earlier one. */
function isolationOf(layerId: string | undefined, facts: LayerFacts): IsolationCapture | undefined {
  const text = layerId === undefined ? undefined : facts.origin(layerId);
  // Written by ops/exec.ts.
  return text === undefined ? undefined : (JSON.parse(text) as IsolationCapture);
}

/** Of this build or the earlier one that ran the step. */
function requestsOf(layerId: string | undefined, facts: LayerFacts): SeenRequests | undefined {
  const text = layerId === undefined ? undefined : facts.requests(layerId);
  // Written by ops/exec.ts.
  return text === undefined ? undefined : (JSON.parse(text) as SeenRequests);
}
