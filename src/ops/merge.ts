import { canonicalJson } from "../content/canonical-json.ts";
import { digestOf } from "../content/digest.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { Operation } from "../solver/operation.ts";

/** Trees laid over each other. Layers are changes, so laying them over each other is writing the chains one after the other. */
export function mergeOperation(inputCount: number): Operation<LayerChain> {
  return {
    cacheMap: async () => ({ digest: digestOf(Buffer.from(canonicalJson(["merge", inputCount]))), contentOf: Array.from({ length: inputCount }, () => undefined), reusable: true }),
    execute: async (inputs) => [inputs.flat()],
  };
}
