import { canonicalJson } from "../content/canonical-json.ts";
import { digestOf } from "../content/digest.ts";
import type { Platform } from "../oci/platform.ts";
import type { Reference } from "../oci/reference.ts";
import { originOf } from "../snapshot/image-layer.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { Operation } from "../solver/operation.ts";
import type { PinnedImage } from "../source/image.ts";
import { imageSharedMap } from "./source-shared.ts";

export type PinImage = (reference: Reference, platform: Platform, signal: AbortSignal) => Promise<PinnedImage>;

/** FROM: the layers of an image. Its key is what the layers hold, so images that differ only in name or configuration are one. */
export function imageOperation(reference: Reference, platform: Platform, pin: PinImage): Operation<LayerChain> {
  return {
    async cacheMap(signal) {
      const { chain, digest } = await pin(reference, platform, signal);
      const diffIds = chain.flatMap((layer) => originOf(layer)?.diffId ?? []);
      return { digest: digestOf(Buffer.from(canonicalJson(["image", diffIds]))), contentOf: [], reusable: false, shared: () => imageSharedMap(digest, platform, diffIds) };
    },
    execute: async (_inputs, signal) => [(await pin(reference, platform, signal)).chain],
  };
}
