import { canonicalJson } from "../content/canonical-json.ts";
import { digestOf } from "../content/digest.ts";
import type { Platform } from "../oci/platform.ts";
import type { Reference } from "../oci/reference.ts";
import { originOf } from "../snapshot/image-layer.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { Operation } from "../solver/operation.ts";
import type { PinnedImage } from "../source/image.ts";
import { imageSharedMap } from "./source-shared.ts";

/** Which layers of images builds have used, by a name of theirs. */
export interface ImageUses {
  had(name: string): boolean;
  save(name: string, chain: LayerChain): void;
}

export type PinImage = (reference: Reference, platform: Platform, signal: AbortSignal) => Promise<PinnedImage>;

/** FROM: the layers of an image. Its key is what the layers hold, so images that differ only in name or configuration are one. */
export function imageOperation(reference: Reference, platform: Platform, { pin, uses }: { readonly pin: PinImage; readonly uses: ImageUses }): Operation<LayerChain> {
  return {
    async cacheMap(signal) {
      const { chain, digest } = await pin(reference, platform, signal);
      const diffIds = chain.flatMap((layer) => originOf(layer)?.diffId ?? []);
      const key = digestOf(Buffer.from(canonicalJson(["image", diffIds])));
      const used = { had: () => uses.had(key), save: ([layers = []]: readonly LayerChain[]) => uses.save(key, layers) };
      return { digest: key, contentOf: [], reusable: false, uses: used, shared: () => imageSharedMap(digest, platform, diffIds) };
    },
    execute: async (_inputs, signal) => [(await pin(reference, platform, signal)).chain],
  };
}
