import type { BridgeAttestation } from "../bridge/bridge.ts";
import type { HistoryOrigin } from "../frontend/dockerfile/convert/docker-image.ts";
import type { Definition } from "../llb/definition.ts";
import type { Platform } from "../oci/platform.ts";
import type { Pin } from "./pins.ts";
import type { AskedRequest } from "./request-trail.ts";

/** One platform's graph and configuration. */
export interface CompiledPlatform {
  readonly platform: Platform;
  readonly definition: Definition;
  readonly config: Uint8Array;
  /** The request that made it, to whichever frontend: one that was asked may have asked another. */
  readonly asked: AskedRequest;
  /** Of each entry of the configuration's history, where it comes from, as far as the frontend tells. */
  readonly history: ReadonlyArray<HistoryOrigin | undefined>;
  /** What an SBOM is to look at beside the result: stage name, or `context` → graph. */
  readonly scanExtras: ReadonlyMap<string, Definition>;
  /** True where a scan must not be answered by the cache, as the result must not. */
  readonly ignoresCache: boolean;
  /** What a frontend in a container says of its result. */
  readonly attestations: readonly BridgeAttestation[];
}

/** What the frontend made of the Dockerfile. */
export interface Compiled {
  readonly platforms: readonly CompiledPlatform[];
  /** The request as the client made it. */
  readonly rootAttributes: ReadonlyMap<string, string>;
  /** SOURCE_DATE_EPOCH, which may also be the default of a global ARG. */
  readonly epochSeconds: bigint | undefined;
  /** True where the result is an index, even for a single platform. */
  readonly multiPlatform: boolean;
  /** What the frontend itself read. */
  readonly frontend: { readonly pins: readonly Pin[] };
}
