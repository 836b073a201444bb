import { digestOf, type Digest } from "../content/digest.ts";
import { sharedChecksum, type KnownHashes } from "../snapshot/shared-checksum.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { ContentSelection } from "../snapshot/tree-selection.ts";
import { Tree } from "../snapshot/tree.ts";
import { isLent } from "../source/local-layer.ts";
import { keyFailure, nameOf } from "./used-content.ts";

/** BuildKit's name for what a step uses of an input (solver/llbsolver/ops/opsutils). */
export function sharedContent(selections: readonly ContentSelection[], known: KnownHashes): (input: LayerChain, signal: AbortSignal) => Promise<Digest> {
  return async (input, signal) => {
    const tree = await Tree.open(input, signal);
    // Of no layers at all there is no root to look at.
    const rootCounts = input.length > 0 && !input.every(isLent);
    const digests: Digest[] = [];
    for (const selection of selections) {
      digests.push(await sharedChecksum(tree, selection, { known, rootCounts }, signal).catch((error: unknown) => {
        throw keyFailure(error, nameOf(input));
      }));
    }
    return digestOf(Buffer.from(digests.join("\0")));
  };
}

/** BuildKit's name for a list of paths: what tells apart how two steps use one input. */
export function selectorDigest(paths: readonly string[]): Digest {
  return digestOf(Buffer.from(paths.join("\0")));
}

/** Without those that lie below another one. */
export function outermostPaths(paths: readonly string[]): readonly string[] {
  const all = new Set(paths);
  return [...all].filter((path) => ![...all].some((other) => other !== path && path.startsWith(other.endsWith("/") ? other : `${other}/`)));
}
