import { create } from "@bufbuild/protobuf";
import { canonicalJson } from "../content/canonical-json.ts";
import type { Digest } from "../content/digest.ts";
import type { Definition } from "../llb/definition.ts";
import { loadGraph, type LlbGraph, type LlbVertex } from "../llb/graph.ts";
import { PolicyError, withPolicyPrefix } from "../policy/policy-error.ts";
import { OpSchema, SourceOpSchema } from "../proto/pb/ops_pb.ts";
import type { BuildServices } from "./build-services.ts";
import { listsOf } from "./frontend-policies.ts";
import { platformOf } from "./operations.ts";

type Gated = Pick<BuildServices, "admitted" | "gate" | "platform">;

/**
 * The graphs with the sources that policies have for them. All are asked before any of them is read. A vertex that is changed
 * keeps its digest, which is what the rest of the graph knows it by; what it is pinned to is what it really is.
 */
export async function admittedGraphs(definitions: readonly Definition[], services: Gated, signal: AbortSignal): Promise<readonly LlbGraph[]> {
  return await Promise.all(definitions.map(async (definition) => {
    const { vertices, head } = loadGraph(definition);
    const ruled = { ...services, gate: services.gate.joined(listsOf(definition), "after") };
    const admitted = [...vertices].map(async ([digest, vertex]): Promise<[Digest, LlbVertex]> => [digest, await admittedVertex(vertex, ruled, signal)]);
    return { vertices: new Map(await Promise.all(admitted)), head };
  }));
}

async function admittedVertex(vertex: LlbVertex, services: Gated, signal: AbortSignal): Promise<LlbVertex> {
  const { op } = vertex.op;
  if (op.case !== "source") return vertex;
  const asked = { identifier: op.value.identifier, attrs: op.value.attrs, platform: platformOf(vertex, services) };
  try {
    const { identifier, attrs } = await services.gate.admit(asked, signal);
    checkAgreement(vertex.digest, { identifier, attrs, asked: asked.identifier }, services);
    if (identifier === asked.identifier && attrs === asked.attrs) return vertex;
    return { ...vertex, op: create(OpSchema, { ...vertex.op, op: { case: "source", value: create(SourceOpSchema, { identifier, attrs: { ...attrs } }) } }) };
  } catch (error) {
    throw withPolicyPrefix(error, "error evaluating the source policy");
  }
}

/** A build knows a vertex by its digest, and can record but one source for it. Rules that a frontend sends with one of its graphs may want another. */
function checkAgreement(digest: Digest, { identifier, attrs, asked }: { readonly identifier: string; readonly attrs: Readonly<Record<string, string>>; readonly asked: string }, { admitted }: Gated): void {
  const is = `${identifier} ${canonicalJson(attrs)}`;
  const was = admitted.get(digest) ?? is;
  admitted.set(digest, was);
  if (is !== was) throw new PolicyError(`the frontend's policies take different sources in place of ${JSON.stringify(asked)} in one build, which is not supported`);
}
