import { convertDockerfileFor, openDockerfile } from "../frontend/dockerfile/build.ts";
import type { Definition } from "../llb/definition.ts";
import type { Platform } from "../oci/platform.ts";
import type { ImageCapture } from "../provenance/capture.ts";
import { frontendRequest } from "./bridge.ts";
import type { BuildMeans } from "./build-means.ts";
import { forwardDockerfile } from "./forward-dockerfile.ts";
import { platformOfConfig } from "./frontend-result.ts";
import { wantedFrontend } from "./frontend-syntax.ts";
import { engineGateway } from "./gateway.ts";
import type { Pin } from "./pins.ts";
import { warningEvent } from "./warning-event.ts";

/** One platform's graph and configuration. */
export interface CompiledPlatform {
  readonly platform: Platform;
  readonly definition: Definition;
  readonly config: Uint8Array;
}

/** What the frontend made of the Dockerfile. */
export interface Compiled {
  readonly platforms: readonly CompiledPlatform[];
  /** Who made it, by BuildKit's names. */
  readonly frontendName: "dockerfile.v0" | "gateway.v0";
  /** The request as it went to that frontend. */
  readonly attributes: ReadonlyMap<string, string>;
  /** The request as the client made it. */
  readonly rootAttributes: ReadonlyMap<string, string>;
  /** SOURCE_DATE_EPOCH, which may also be the default of a global ARG. */
  readonly epochSeconds: bigint | undefined;
  /** True where the result is an index, even for a single platform. */
  readonly multiPlatform: boolean;
  /** What the frontend itself read and looked up. */
  readonly frontend: { readonly pins: readonly Pin[]; readonly images: readonly ImageCapture[] };
}

/**
 * Dockerfile → graphs, by the frontend that the file asks for. Throws DockerfileError, FrontendFailure, and what the
 * gateway throws for images and files that are not there.
 */
export async function compile(means: BuildMeans, signal: AbortSignal): Promise<Compiled> {
  const { services, attributes } = means;
  const gateway = engineGateway(means, (path, bytes) => void means.seen.files.set(path, bytes));
  const open = await openDockerfile(gateway, frontendRequest(means, attributes, new Map()), signal);
  const wanted = wantedFrontend(open.dockerfile.data, attributes);
  const made = wanted === undefined ? await convert(open, means, signal) : await forwardDockerfile({ wanted, dockerfile: open.dockerfile }, { means, gateway }, signal);
  return { ...made, rootAttributes: attributes, frontend: { pins: [...services.pins.values()], images: [...services.resolved] } };
}

async function convert(open: Parameters<typeof convertDockerfileFor>[0], { attributes, report, services }: BuildMeans, signal: AbortSignal): Promise<Omit<Compiled, "rootAttributes" | "frontend">> {
  const result = await convertDockerfileFor(open, signal);
  for (const finding of result.warnings) report(warningEvent(finding, result.dockerfile));
  return {
    frontendName: "dockerfile.v0",
    attributes,
    epochSeconds: result.results.find(({ epochSeconds }) => epochSeconds !== undefined)?.epochSeconds,
    multiPlatform: result.multiPlatform,
    platforms: result.results.map(({ platform, definition, config }) => ({ platform: platform ?? platformOfConfig(config, services.platform), definition, config })),
  };
}
