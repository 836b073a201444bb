import { canonicalJson } from "../content/canonical-json.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import { MergeOpSchema, type MergeOp } from "../llb/op.ts";
import { renderJson } from "../provenance/json-tree.ts";
import { messageJson } from "../provenance/op-json.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { Operation } from "../solver/operation.ts";

/** Trees laid over each other. Layers are changes, so laying them over each other is writing the chains one after the other. */
export function mergeOperation(op: MergeOp): Operation<LayerChain> {
  const inputCount = op.inputs.length;
  // Named by BuildKit's solver/llbsolver/ops/merge.go.
  const name = (): Digest => digestOf(Buffer.from(renderJson({ Type: "buildkit.merge.v0", Merge: messageJson(MergeOpSchema, op) }, "compact")));
  return {
    cacheMap: async () => ({
      digest: digestOf(Buffer.from(canonicalJson(["merge", inputCount]))), contentOf: Array.from({ length: inputCount }, () => undefined), reusable: true,
      shared: () => ({ digests: [name()], selectors: [], contentOf: [] }),
    }),
    execute: async (inputs) => [inputs.flat()],
  };
}
