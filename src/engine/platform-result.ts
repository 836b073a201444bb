import type { Digest } from "../content/digest.ts";
import type { ResultFile } from "../export/result-files.ts";
import type { Statement } from "../export/statement.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Platform } from "../oci/platform.ts";
import type { LayerChain, LayerId } from "../snapshot/layer.ts";

/** Descriptors of layers by layer: how statements name what a step made. */
export type LayerDescriptors = ReadonlyMap<LayerId, Descriptor>;

/** One platform's result, with who can speak for it. */
export interface PlatformResult {
  readonly platform: Platform;
  /** The configuration as the frontend returned it. */
  readonly config: Uint8Array;
  readonly chain: LayerChain;
  attestImage(subject: AttestedImage, layers: LayerDescriptors): Promise<readonly Statement[]>;
  readonly attestFiles: (files: readonly ResultFile[]) => Promise<readonly Statement[]>;
}

export interface AttestedImage {
  readonly names: readonly string[];
  readonly manifest: Descriptor;
  /** Those of all platforms, this one among them. */
  readonly manifests: readonly Digest[];
  /** False leaves out statements that go with images alone. */
  readonly attestInline: boolean;
}
