import { convertDockerfileFor, openDockerfile } from "../frontend/dockerfile/build.ts";
import { frontendRequest } from "./frontend-request.ts";
import { admittedFrontend } from "./admitted-source.ts";
import type { BuildMeans } from "./build-means.ts";
import type { Compiled } from "./compiled.ts";
import { forwardDockerfile } from "./forward-dockerfile.ts";
import { platformAskedFor, withWindowsVersion } from "./frontend-result.ts";
import { wantedFrontend } from "./frontend-syntax.ts";
import { engineGateway } from "./gateway.ts";
import { warningEvent } from "./warning-event.ts";

/**
 * Dockerfile → graphs, by the frontend that the file asks for. Throws DockerfileError, FrontendFailure, and what the
 * gateway throws for images and files that are not there.
 */
export async function compile(means: BuildMeans, signal: AbortSignal): Promise<Compiled> {
  const { services, attributes } = means;
  const gateway = engineGateway(means, means.onRead);
  const open = await openDockerfile(gateway, frontendRequest(means, attributes, new Map()), signal);
  const wanted = await admittedFrontend(wantedFrontend(open.dockerfile.data, attributes), attributes, services, signal);
  const made = wanted === undefined ? await convert(open, means, signal) : await forwardDockerfile({ wanted, dockerfile: open.dockerfile }, { means, gateway }, signal);
  return { ...made, rootAttributes: attributes, frontend: { pins: [...services.pins.values()] } };
}

async function convert(open: Parameters<typeof convertDockerfileFor>[0], { attributes, report, requests, services }: BuildMeans, signal: AbortSignal): Promise<Omit<Compiled, "rootAttributes" | "frontend">> {
  const result = await convertDockerfileFor(open, (finding) => report(warningEvent(finding, open.dockerfile)), signal);
  const asked = requests.ask("dockerfile.v0", attributes, new Map());
  return {
    epochSeconds: result.results.find(({ epochSeconds }) => epochSeconds !== undefined)?.epochSeconds,
    multiPlatform: result.multiPlatform,
    platforms: result.results.map(({ platform, definition, config, history, scanExtras, ignoresCache }) => ({ platform: withWindowsVersion(platform ?? platformAskedFor(config, services.platform), config), definition, config, history, scanExtras, ignoresCache, asked, attestations: [] })),
  };
}
