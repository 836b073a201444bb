import type { BridgeContainer, BridgeContainerRequest } from "../bridge/bridge-container.ts";
import type { ExecOp } from "../llb/op.ts";
import { openStepContainer } from "../ops/container.ts";
import type { Isolation } from "../sandbox/sandbox.ts";
import type { BuildMeans } from "./build-means.ts";
import { solveGraphs, type SolvedGraphs } from "./solve-graphs.ts";

/** A container that a frontend had, for the record: what it returns may depend on what it saw there. */
export interface ContainerUse {
  /** What was mounted. */
  readonly solved: SolvedGraphs;
  /** Its processes, each as the RUN that it would have been. */
  readonly processes: Array<{ readonly op: ExecOp; readonly isolation: Isolation }>;
}

/** Opens a container on what references come to, and notes it for the record. Rejects with VertexError, OperationError, SandboxError. */
export async function openBridgeContainer({ mounts, ...request }: BridgeContainerRequest, means: BuildMeans, signal: AbortSignal): Promise<BridgeContainer> {
  const { services } = means;
  const references = mounts.flatMap(({ reference }) => reference ?? []);
  const solved = await solveGraphs(references.map(({ definition }) => definition), means, signal);
  const chains = new Map(references.map((reference, i) => [reference, solved.chains[i] ?? []]));
  const use: ContainerUse = { solved, processes: [] };
  services.containers.push(use);
  const onProcess = (op: ExecOp, isolation: Isolation): void => void use.processes.push({ op, isolation });
  const chained = mounts.map(({ mount, reference }) => ({ mount, chain: (reference && chains.get(reference)) ?? [] }));
  return await openStepContainer({ ...request, mounts: chained }, { services: services.exec, onProcess }, signal);
}
