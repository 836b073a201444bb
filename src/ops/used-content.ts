import { digestOf, type Digest } from "../content/digest.ts";
import { contentDigest } from "../snapshot/checksum.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import { TreeError } from "../snapshot/tree-error.ts";
import type { ContentSelection } from "../snapshot/tree-selection.ts";
import { Tree } from "../snapshot/tree.ts";
import { OperationError } from "./operation-error.ts";

/** Names what a step uses of an input, for its key by content. Throws OperationError "missing-input" for what is not there. */
export function usedContent(selections: readonly ContentSelection[]): (input: LayerChain, signal: AbortSignal) => Promise<Digest> {
  return async (input, signal) => {
    const tree = await Tree.open(input, signal);
    const digests = await Promise.all(selections.map((selection) => digestOfPart({ tree, name: nameOf(input) }, selection, signal)));
    return digestOf(Buffer.from(digests.join("\n")));
  };
}

export function nameOf(input: LayerChain): string {
  return input.at(-1)?.id ?? "scratch";
}

async function digestOfPart({ tree, name }: { readonly tree: Tree; readonly name: string }, selection: ContentSelection, signal: AbortSignal): Promise<Digest> {
  return await contentDigest(tree, selection, signal).catch((error: unknown) => {
    throw keyFailure(error, name);
  });
}

/** BuildKit's text; it names the tree by its worker and a random id. */
export function keyFailure(error: unknown, name: string): unknown {
  if (!(error instanceof TreeError) || !["not-found", "too-many-links"].includes(error.code)) return error;
  return new OperationError("missing-input", `failed to compute cache key: failed to calculate checksum of ref stemma::${name}: ${error.message}`, { cause: error });
}
