import { toJson } from "@bufbuild/protobuf";
import type { Definition } from "../llb/definition.ts";
import { PolicyError } from "../policy/policy-error.ts";
import type { SourcePolicy } from "../policy/source-policy.ts";
import type { Policy } from "../proto/sourcepolicy/policy_pb.ts";
import type { SolveMeans } from "./solve-graphs.ts";

/** A graph with the lists of rules that a frontend sent with it: whoever solves it asks these too. */
export interface RuledDefinition extends Definition {
  readonly lists: readonly SourcePolicy[];
}

/** Throws PolicyError for what is no list of rules. */
export async function readPolicies(messages: readonly Policy[]): Promise<readonly SourcePolicy[]> {
  if (messages.length === 0) return [];
  const [{ sourcePolicyOf }, { PolicySchema }] = await Promise.all([import("../policy/source-policy-file.ts"), import("../proto/sourcepolicy/policy_pb.ts")]);
  return messages.map((message) => {
    try {
      return sourcePolicyOf(toJson(PolicySchema, message, { useProtoFieldName: true }));
    } catch (error) {
      if (error instanceof PolicyError) throw new PolicyError(`failed to read a source policy of the frontend: ${error.message}`, { cause: error });
      throw error;
    }
  });
}

export function ruled(definition: Definition, lists: readonly SourcePolicy[]): Definition {
  const found: RuledDefinition = { ...definition, lists };
  return lists.length === 0 ? definition : found;
}

/** Those that came with it. */
export function listsOf(definition: Definition): readonly SourcePolicy[] {
  return isRuled(definition) ? definition.lists : [];
}

function isRuled(definition: Definition): definition is RuledDefinition {
  return "lists" in definition;
}

/** For what is looked up by itself: BuildKit asks the frontend's rules first there. */
export function lookingUp<Means extends SolveMeans>(means: Means, lists: readonly SourcePolicy[]): Means {
  if (lists.length === 0) return means;
  return { ...means, services: { ...means.services, gate: means.services.gate.joined(lists, "before") } };
}
