import type { Definition } from "../llb/definition.ts";
import type { Platform } from "../oci/platform.ts";
import type { HistoryOrigin } from "./dockerfile/convert/docker-image.ts";
import type { Finding } from "./dockerfile/parsed.ts";

/** One compilation, as BuildKit's clients ask for it. */
export interface FrontendRequest {
  /** Frontend attributes as on the wire: `target`, `platform`, `build-arg:X`, `context:NAME`, … */
  readonly opts: ReadonlyMap<string, string>;
  /** Of the session that lends local directories; empty for none. */
  readonly sessionId: string;
  /** What the worker can run, its own platform first. */
  readonly workerPlatforms: readonly Platform[];
  /** Of the machine that compiles: completes platforms of one word. */
  readonly hostPlatform: Platform;
  /** LLB capabilities that the solver lacks. */
  readonly disabledCapabilities: ReadonlySet<string>;
  /** Graphs that contexts of the form `input:NAME` mean. */
  readonly inputs: ReadonlyMap<string, Definition>;
  /** What of BUILDKIT_SBOM_SCAN_STAGE and _CONTEXT holds where the file declares no ARG of the name; none is as with BuildKit. */
  readonly scanArguments: ReadonlyMap<string, string>;
}

export interface FrontendResult {
  /** One for each platform asked for; one with no platform where none was. */
  readonly results: readonly PlatformResult[];
  /** True where results are to be told apart by platform, even a single one. */
  readonly multiPlatform: boolean;
  readonly warnings: readonly Finding[];
  readonly dockerfile: DockerfileSource;
}

export interface PlatformResult {
  /** As asked for; undefined for the worker's own. */
  readonly platform: Platform | undefined;
  readonly definition: Definition;
  /** Image configuration, in the bytes that BuildKit writes. */
  readonly config: Uint8Array;
  /** Of each entry of its history, where it comes from; undefined for the base image's. */
  readonly history: ReadonlyArray<HistoryOrigin | undefined>;
  /** That of the base image; undefined without one. */
  readonly baseConfig: Uint8Array | undefined;
  /** SOURCE_DATE_EPOCH in seconds; undefined where it is not set. */
  readonly epochSeconds: bigint | undefined;
  /** True where the target's stage is not to use the cache. */
  readonly ignoresCache: boolean;
  /** What an SBOM scan is to look at beside the result: stage name, or `context` → definition. */
  readonly scanExtras: ReadonlyMap<string, Definition>;
}

export interface DockerfileSource {
  readonly filename: string;
  readonly data: Uint8Array;
}
