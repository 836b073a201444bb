import { canonicalJson } from "../content/canonical-json.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import { PassthroughOpSchema, type PassthroughOp } from "../llb/op.ts";
import { renderJson } from "../provenance/json-tree.ts";
import { messageJson } from "../provenance/op-json.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { Operation } from "../solver/operation.ts";
import { OperationError } from "./operation-error.ts";

/** Inputs as they are: each output is one of them. */
export function passthroughOperation(op: PassthroughOp, inputCount: number): Operation<LayerChain> {
  // Named by BuildKit's solver/llbsolver/ops/passthrough.go.
  const name = (): Digest => digestOf(Buffer.from(renderJson({ Type: "buildkit.passthrough.v0", Passthrough: messageJson(PassthroughOpSchema, op) }, "compact")));
  return {
    cacheMap: async () => ({
      digest: digestOf(Buffer.from(canonicalJson(["passthrough", op.id, op.outputs.map(String)]))), contentOf: Array.from({ length: inputCount }, () => undefined), reusable: true,
      shared: () => ({ digests: [name()], selectors: [], contentOf: [] }),
    }),
    execute: async (inputs) => op.outputs.map((index) => {
      const input = inputs[Number(index)];
      if (input === undefined) throw new OperationError("step-failed", `invalid passthrough output input index ${index}`);
      return input;
    }),
  };
}
