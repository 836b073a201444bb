import { canonicalJson } from "../content/canonical-json.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import type { Clock } from "../host/clock.ts";
import type { FileOp } from "../llb/op.ts";
import { contentDigest } from "../snapshot/checksum.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { ContentSelection } from "../snapshot/tree-selection.ts";
import { TreeError } from "../snapshot/tree-error.ts";
import { Tree } from "../snapshot/tree.ts";
import type { Operation } from "../solver/operation.ts";
import type { LayerFacts } from "../store/layer-facts.ts";
import { OperationError } from "./operation-error.ts";
import { runFileOp } from "./file.ts";
import { fileOpSelectors } from "./file-selectors.ts";

export interface FileServices {
  readonly layers: LayerStore;
  readonly facts: LayerFacts;
  readonly clock: Clock;
}

/** COPY, ADD, WORKDIR and their kin: the tree that is built upon counts by what made it, what is copied by its content. */
export function fileOperation(op: FileOp, inputCount: number, services: FileServices): Operation<LayerChain> {
  return {
    cacheMap: async () => ({
      digest: digestOf(Buffer.from(canonicalJson(["file", op]))),
      contentOf: fileOpSelectors(op, inputCount).map(contentOf),
      reusable: true,
    }),
    async execute(inputs, signal) {
      const chains = await runFileOp(op, inputs, services.layers, { signal, clock: services.clock });
      for (const layer of chains.flatMap((chain) => chain.at(-1) ?? [])) {
        // A file operation may also give back a tree as it was.
        if (services.facts.createdNs(layer.id) === undefined) services.facts.saveCreated(layer.id, services.clock.nowNs());
      }
      return chains;
    },
  };
}

function contentOf(selections: readonly ContentSelection[] | undefined): ((input: LayerChain, signal: AbortSignal) => Promise<Digest>) | undefined {
  if (selections === undefined) return undefined;
  return async (input, signal) => {
    const tree = await Tree.open(input, signal);
    const digests = await Promise.all(selections.map((selection) => usedContent({ tree, name: input.at(-1)?.id ?? "scratch" }, selection, signal)));
    return digestOf(Buffer.from(digests.join("\n")));
  };
}

async function usedContent({ tree, name }: { readonly tree: Tree; readonly name: string }, selection: ContentSelection, signal: AbortSignal): Promise<Digest> {
  try {
    return await contentDigest(tree, selection, signal);
  } catch (error) {
    // BuildKit's text; it names the tree by its worker and a random id.
    if (error instanceof TreeError && error.code === "not-found") throw new OperationError("missing-input", `failed to compute cache key: failed to calculate checksum of ref stemma::${name}: ${error.message}`, { cause: error });
    throw error;
  }
}
