import { digestOf, type Digest } from "../content/digest.ts";
import type { Definition } from "../llb/definition.ts";
import { loadGraph, type LlbEdge } from "../llb/graph.ts";
import { OpSchema, message, type Op } from "../llb/op.ts";
import { nonEmptyList, nonEmptyObject, sortedObject, type JsonObject } from "./json-tree.ts";
import { messageJson } from "./op-json.ts";
import { withoutRun } from "./run-attributes.ts";

/** A definition as the record needs it: ops by the digests of their bytes, and the op at its end that points to the result. */
export interface StepGraph {
  readonly vertices: ReadonlyMap<Digest, { readonly op: Op; readonly inputs: readonly LlbEdge[] }>;
  /** Undefined for an empty tree. */
  readonly head: { readonly digest: Digest; readonly input: LlbEdge } | undefined;
}

/** Throws LlbError. */
export function stepGraph(definition: Definition): StepGraph {
  const { vertices, head } = loadGraph(definition);
  const last = definition.def.at(-1);
  return { vertices, head: head === undefined || last === undefined ? undefined : { digest: digestOf(last), input: head } };
}

/** Steps have numbers, so that a record can be read without digests: inputs first, the pointer to the result last. */
export interface StepNumbers {
  readonly order: readonly Digest[];
  readonly numbers: ReadonlyMap<Digest, number>;
}

export function numberSteps({ vertices, head }: StepGraph): StepNumbers {
  const order: Digest[] = [];
  const numbers = new Map<Digest, number>();
  const number = (digest: Digest): void => void numbers.set(digest, order.push(digest) - 1);
  if (head === undefined) return { order, numbers };
  // Post-order, inputs from first to last; without recursion, since a graph may be deep.
  const stack = [{ digest: head.input.digest, next: 0 }];
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const input = vertices.get(frame.digest)?.inputs[frame.next++];
    if (input !== undefined) {
      if (!numbers.has(input.digest)) stack.push({ digest: input.digest, next: 0 });
      continue;
    }
    if (!numbers.has(frame.digest)) number(frame.digest);
    stack.pop();
  }
  number(head.digest);
  return { order, numbers };
}

/** The steps and the map from digests to them, as `buildConfig` and each source file have them. */
export interface StepsJson {
  readonly llbDefinition: readonly JsonObject[] | undefined;
  readonly digestMapping: JsonObject | undefined;
}

export function stepsJson(graph: StepGraph, { order, numbers }: StepNumbers, usage: ReadonlyMap<Digest, JsonObject> = new Map()): StepsJson {
  const steps = order.map((digest, index) => {
    const vertex = graph.vertices.get(digest);
    const inputs = vertex?.inputs ?? (graph.head === undefined ? [] : [graph.head.input]);
    const op = vertex === undefined ? message(OpSchema, {}) : { ...vertex.op, inputs: [] };
    return { id: `step${index}`, op: messageJson(OpSchema, withoutRun(op)), inputs: nonEmptyList(inputs.map((input) => `step${numbers.get(input.digest)}:${input.index}`)), resourceUsage: usage.get(digest) };
  });
  return {
    llbDefinition: nonEmptyList(steps),
    digestMapping: nonEmptyObject(sortedObject([...numbers].map(([digest, number]) => [digest, `step${number}`]))),
  };
}

