import { FrontendFailure } from "../bridge/frontend-failure.ts";
import type { DockerfileSource } from "../frontend/frontend.ts";
import type { Gateway } from "../frontend/gateway.ts";
import { VertexError } from "../solver/vertex-error.ts";
import type { BuildMeans } from "./build-means.ts";
import type { Compiled } from "./compile.ts";
import { codeOf } from "./build-error.ts";
import { runFrontendImage } from "./frontend-images.ts";
import { frontendPlatforms } from "./frontend-result.ts";
import type { WantedFrontend } from "./frontend-syntax.ts";

export interface Forwarding {
  readonly wanted: WantedFrontend;
  readonly dockerfile: DockerfileSource;
}

/** Hands the build on to the frontend that its Dockerfile asks for, as `gateway.v0` with the client's options. */
export async function forwardDockerfile(forwarding: Forwarding, engine: { readonly means: BuildMeans; readonly gateway: Gateway }, signal: AbortSignal): Promise<Omit<Compiled, "rootAttributes" | "frontend">> {
  const { means } = engine;
  const attributes = forwardedAttributes(forwarding.wanted, means.attributes);
  try {
    const { platforms, multiPlatform } = frontendPlatforms(await runFrontendImage({ options: attributes, inputs: new Map() }, engine, signal), means.services.platform);
    return {
      frontendName: "gateway.v0", attributes, platforms, multiPlatform,
      epochSeconds: platforms.find(({ epochSeconds }) => epochSeconds !== undefined)?.epochSeconds,
    };
  } catch (error) {
    throw placed(error, forwarding);
  }
}

export function forwardedAttributes({ source, commandLine }: WantedFrontend, attributes: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...attributes, ["cmdline", commandLine], ["source", source]]);
}

/** A failure that tells no place is one of the line that asked for the frontend. */
function placed(error: unknown, { wanted: { location, commandLine }, dockerfile: { filename, data } }: Forwarding): unknown {
  const coded = codeOf(error);
  // A step has a place of its own; what has no code is an abort, or a bug of ours.
  if (coded === undefined || !(error instanceof Error) || error instanceof VertexError || (error instanceof FrontendFailure && error.place !== undefined)) return error;
  const details = { ...coded, cause: error };
  if (location === undefined) return new FrontendFailure(`failed with build-arg:BUILDKIT_SYNTAX = ${commandLine}: ${error.message}`, undefined, details);
  const lines = location.map(({ start, end }) => [start.line, end.line] as const);
  return new FrontendFailure(error.message, { filename, data, startLine: Math.min(...lines.map(([start]) => start)), endLine: Math.max(...lines.map(([, end]) => end)) }, details);
}
