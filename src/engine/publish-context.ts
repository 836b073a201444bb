import type { WriteStdout } from "../export/file-destination.ts";
import type { LayerBlob, SerialiseContext } from "../export/layer-blob.ts";
import type { ImageTarget } from "../export/target.ts";
import type { Clock } from "../host/clock.ts";
import type { LayerId } from "../snapshot/layer.ts";
import type { WhileLocked } from "../store/while-locked.ts";
import type { PlatformResult } from "./platform-result.ts";
import type { OpenPush } from "./push-image.ts";
import type { StepReporter } from "./step-reporter.ts";

export interface PublishMeans {
  readonly serialise: SerialiseContext;
  readonly openPush: OpenPush;
  readonly steps: StepReporter;
  readonly stdout: WriteStdout;
  readonly whileLocked: WhileLocked;
  readonly clock: Clock;
}

export type InlineCache = (result: Pick<PlatformResult, "config" | "chain">, blobs: ReadonlyMap<LayerId, LayerBlob>) => Promise<Uint8Array>;

export interface PublishOptions {
  readonly epochNs: bigint | undefined;
  readonly indexAlways: boolean;
  /** False where something may still forbid to send anything. */
  readonly streamsLayers: boolean;
  /** Whether statements are made for a target's image. */
  readonly attests: (target: ImageTarget) => boolean;
  /** Whether a provenance that is for images only is among them. */
  readonly attestsInline: (target: ImageTarget) => boolean;
  /** Puts a cache of the result's own layers into its configuration; undefined where nobody asked for one. */
  readonly inlineCache: InlineCache | undefined;
}

/** What every target is published with. */
export interface PublishContext {
  readonly means: PublishMeans;
  readonly options: PublishOptions;
}
