import { create } from "@bufbuild/protobuf";
import type { Digest } from "../content/digest.ts";
import type { LlbGraph, LlbVertex } from "../llb/graph.ts";
import { withPolicyPrefix } from "../policy/policy-error.ts";
import { OpSchema, SourceOpSchema } from "../proto/pb/ops_pb.ts";
import type { BuildServices } from "./build-services.ts";
import { platformOf } from "./operations.ts";
import { OPEN_GATE } from "./source-gate.ts";

/**
 * The graphs with the sources that policies have for them. All are asked before any of them is read. A vertex that is changed
 * keeps its digest, which is what the rest of the graph knows it by; what it is pinned to is what it really is.
 */
export async function admittedGraphs(graphs: readonly LlbGraph[], services: Pick<BuildServices, "gate" | "platform">, signal: AbortSignal): Promise<readonly LlbGraph[]> {
  if (services.gate === OPEN_GATE) return graphs;
  return await Promise.all(graphs.map(async ({ vertices, head }) => {
    const admitted = [...vertices].map(async ([digest, vertex]): Promise<[Digest, LlbVertex]> => [digest, await admittedVertex(vertex, services, signal)]);
    return { vertices: new Map(await Promise.all(admitted)), head };
  }));
}

async function admittedVertex(vertex: LlbVertex, services: Pick<BuildServices, "gate" | "platform">, signal: AbortSignal): Promise<LlbVertex> {
  const { op } = vertex.op;
  if (op.case !== "source") return vertex;
  const asked = { identifier: op.value.identifier, attrs: op.value.attrs, platform: platformOf(vertex, services) };
  try {
    const { identifier, attrs } = await services.gate.admit(asked, signal);
    if (identifier === asked.identifier && attrs === asked.attrs) return vertex;
    return { ...vertex, op: create(OpSchema, { ...vertex.op, op: { case: "source", value: create(SourceOpSchema, { identifier, attrs: { ...attrs } }) } }) };
  } catch (error) {
    throw withPolicyPrefix(error, "error evaluating the source policy");
  }
}
