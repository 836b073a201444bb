import { canonicalJson } from "../content/canonical-json.ts";
import { digestOf } from "../content/digest.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { KeyHistory, KeyParts } from "../solver/miss-reason.ts";
import type { Vertex } from "../solver/operation.ts";
import type { StateDatabase } from "../store/state-database.ts";
import type { BuildPlan } from "./build-plan.ts";

const KIND = "step-key";

/**
 * What steps ran with last, in any build of this state root. A step is known by its definition; where that is new,
 * by its name in the builds of the same Dockerfile and context.
 */
export function keyHistory(database: StateDatabase, plan: Pick<BuildPlan, "context" | "dockerfile" | "target">): KeyHistory<Vertex<LayerChain>> {
  const scope = scopeOf(plan);
  const named = ({ name }: Vertex<LayerChain>): string => digestOf(Buffer.from(canonicalJson([scope, name])));
  const read = (name: string): KeyParts | undefined => {
    const text = database.fact(KIND, name);
    // Written by save().
    return text === undefined ? undefined : (JSON.parse(text) as KeyParts);
  };
  return {
    last: (vertex) => read(vertex.digest) ?? read(named(vertex)),
    save: (vertex, parts) => database.saveFacts(KIND, new Map([[vertex.digest, JSON.stringify(parts)], [named(vertex), JSON.stringify(parts)]])),
  };
}

/** One-way: names and addresses do not go into the database. */
function scopeOf({ context, dockerfile, target }: Pick<BuildPlan, "context" | "dockerfile" | "target">): string {
  const where = context.kind === "directory" ? context.path : context.kind === "remote" ? context.url : context.kind;
  const file = dockerfile.kind === "file" ? `${dockerfile.directory}/${dockerfile.name}` : dockerfile.kind === "in-context" ? dockerfile.name : dockerfile.kind === "remote" ? dockerfile.url : "";
  return digestOf(Buffer.from(canonicalJson([where, file, target ?? ""])));
}
