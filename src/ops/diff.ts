import type { Member } from "../archive/member.ts";
import { canonicalJson } from "../content/canonical-json.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import type { Clock } from "../host/clock.ts";
import { DiffOpSchema, type DiffOp } from "../llb/op.ts";
import { renderJson } from "../provenance/json-tree.ts";
import { messageJson } from "../provenance/op-json.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import { diffTrees } from "../snapshot/tree-diff.ts";
import { Tree } from "../snapshot/tree.ts";
import type { Operation } from "../solver/operation.ts";
import type { LayerFacts } from "../store/layer-facts.ts";
import { OperationError } from "./operation-error.ts";

export interface DiffServices {
  readonly layers: LayerStore;
  readonly facts: LayerFacts;
  readonly clock: Clock;
}

/** Stands for an empty tree in place of an input. */
const NONE = -1n;

/** What has to be laid over one tree to get another. Of a tree that was built on the other, these are its layers as they are. */
export function diffOperation(op: DiffOp, services: DiffServices): Operation<LayerChain> {
  const sides = { lower: isGiven(op.lower?.input), upper: isGiven(op.upper?.input) };
  const inputCount = Number(sides.lower) + Number(sides.upper);
  // Named by BuildKit's solver/llbsolver/ops/diff.go.
  const name = (): Digest => digestOf(Buffer.from(renderJson({ Type: "buildkit.diff.v0", Diff: messageJson(DiffOpSchema, op) }, "compact")));
  return {
    cacheMap: async () => ({
      digest: digestOf(Buffer.from(canonicalJson(["diff", sides.lower, sides.upper]))), contentOf: Array.from({ length: inputCount }, () => undefined), reusable: true,
      shared: () => ({ digests: [name()], selectors: [], contentOf: [] }),
    }),
    async execute(inputs, signal) {
      if (inputs.length !== inputCount) throw new OperationError("step-failed", `invalid number of inputs for diff op: ${inputs.length}, not ${inputCount}`);
      const lower = (sides.lower ? inputs[0] : undefined) ?? [];
      const upper = (sides.upper ? inputs.at(-1) : undefined) ?? [];
      return [isPrefix(lower, upper) ? upper.slice(lower.length) : await writeDiff(lower, upper, services, signal)];
    },
  };
}

function isGiven(input: bigint | undefined): boolean {
  return input !== undefined && input !== NONE;
}

function isPrefix(lower: LayerChain, upper: LayerChain): boolean {
  return lower.every(({ id }, i) => upper[i]?.id === id);
}

async function writeDiff(lower: LayerChain, upper: LayerChain, { layers, facts, clock }: DiffServices, signal: AbortSignal): Promise<LayerChain> {
  const [before, after] = await Promise.all([Tree.open(lower, signal), Tree.open(upper, signal)]);
  const layer = await layers.write(said(diffTrees(before, after, signal)), signal);
  if (facts.createdNs(layer.id) === undefined) facts.saveCreated(layer.id, clock.nowNs());
  return [layer];
}

/** A difference stands on nothing whose times it could change. */
async function* said(members: AsyncIterable<Member>): AsyncIterable<Member> {
  for await (const member of members) if (member.isUnsaid !== true) yield member;
}
