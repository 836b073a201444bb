import type { Digest } from "../content/digest.ts";
import type { Definition } from "../llb/definition.ts";
import type { Platform } from "../oci/platform.ts";

export interface ResolvedImage {
  /** The reference as the resolver wants it named; mostly the one that was asked for. */
  readonly ref: string;
  /** Undefined when the source gives none, such as a named context that a test replaces. */
  readonly digest: Digest | undefined;
  /** The image configuration, as stored. */
  readonly config: Uint8Array;
}

/** What a frontend may read of a solved definition. */
export interface GatewayResult {
  /** Undefined when there is no such file. With `startBytes` no more than so many from its start are wanted, however large it is. */
  readFile(path: string, signal: AbortSignal, startBytes?: number): Promise<Uint8Array | undefined>;
}

/** All that a frontend sees of the engine: BuildKit's LLBBridge as TypeScript. */
export interface Gateway {
  /** `ref` is normalised (`docker.io/library/alpine:latest`). Throws RegistryError("not-found") and its kin. */
  resolveImage(ref: string, options: ResolveImageOptions, signal: AbortSignal): Promise<ResolvedImage>;
  solve(definition: Definition, signal: AbortSignal): Promise<GatewayResult>;
  /**
   * Seconds since 1970 at which the one source of the definition was last changed: a commit's time, a
   * download's Last-Modified. Undefined where it does not tell; left out where nobody can ask.
   */
  sourceTime?(definition: Definition, logName: string, signal: AbortSignal): Promise<bigint | undefined>;
}

export interface ResolveImageOptions {
  readonly platform: Platform;
  /** Nobody asked for this platform, which is the machine's: as with BuildKit, no record names it. */
  readonly isMachines?: true;
  readonly resolveMode: "default" | "pull" | "local";
  /** Name of the progress step: `[internal] load metadata for …`. */
  readonly logName: string;
  /** Set when the reference is an OCI layout that a session lends, not a registry's. */
  readonly layout?: { readonly sessionId: string; readonly storeId: string };
}
