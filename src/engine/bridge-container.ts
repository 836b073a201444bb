import type { BridgeContainer, BridgeContainerRequest } from "../bridge/bridge-container.ts";
import type { ExecOp } from "../llb/op.ts";
import { openStepContainer, type ContainerAside } from "../ops/container.ts";
import type { StepRequests } from "../proxy/captured-requests.ts";
import type { Isolation } from "../sandbox/sandbox.ts";
import type { BuildMeans } from "./build-means.ts";
import { solveGraphs, type SolvedGraphs } from "./solve-graphs.ts";

/** A container that a frontend had, or the one that it ran in, for the record: what it returns may depend on what it saw there. */
export interface ContainerUse {
  /** What was mounted; undefined for the frontend's own image, which the record names as that. */
  readonly solved: SolvedGraphs | undefined;
  /** Its processes, each as the RUN that it would have been. */
  readonly processes: Array<{ readonly op: ExecOp; readonly isolation: Isolation }>;
  /** What they asked of the network; undefined where nobody has watched. */
  requests: StepRequests | undefined;
}

/** Opens a container on what references come to, and notes it for the record. Rejects with VertexError, OperationError, SandboxError. */
export async function openBridgeContainer({ mounts, ...request }: BridgeContainerRequest, means: BuildMeans, signal: AbortSignal): Promise<BridgeContainer> {
  const { services } = means;
  const references = mounts.flatMap(({ reference }) => reference ?? []);
  const solved = await solveGraphs(references.map(({ definition }) => definition), means, signal);
  const chains = new Map(references.map((reference, i) => [reference, solved.chains[i] ?? []]));
  const use: ContainerUse = { solved, processes: [], requests: undefined };
  services.containers.push(use);
  const aside: ContainerAside = {
    openProxy: services.proxies?.for(request.platform, services.gate),
    onProcess: (op, isolation) => void use.processes.push({ op, isolation }),
    onRequests: (requests) => void (use.requests = requests),
  };
  const chained = mounts.map(({ mount, reference }) => ({ mount, chain: (reference && chains.get(reference)) ?? [] }));
  return await openStepContainer({ ...request, mounts: chained }, { services: services.exec, aside }, signal);
}
