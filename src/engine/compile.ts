import { buildDockerfile } from "../frontend/dockerfile/build.ts";
import type { Finding } from "../frontend/dockerfile/parsed.ts";
import type { DockerfileSource } from "../frontend/frontend.ts";
import type { Definition } from "../llb/definition.ts";
import type { Platform } from "../oci/platform.ts";
import type { BuildEvent } from "../progress/event.ts";
import type { ImageCapture } from "../provenance/capture.ts";
import type { BuildMeans } from "./build-means.ts";
import { requireBuiltInSyntax } from "./frontend-syntax.ts";
import { engineGateway } from "./gateway.ts";
import type { Pin } from "./pins.ts";

/** One platform's graph and configuration. */
export interface CompiledPlatform {
  readonly platform: Platform;
  readonly definition: Definition;
  readonly config: Uint8Array;
}

/** What the frontend made of the Dockerfile. */
export interface Compiled {
  readonly platforms: readonly CompiledPlatform[];
  /** The request as it went to the frontend. */
  readonly attributes: ReadonlyMap<string, string>;
  /** SOURCE_DATE_EPOCH, which may also be the default of a global ARG. */
  readonly epochSeconds: bigint | undefined;
  /** True where the result is an index, even for a single platform. */
  readonly multiPlatform: boolean;
  /** What the frontend itself read and looked up. */
  readonly frontend: { readonly pins: readonly Pin[]; readonly images: readonly ImageCapture[] };
}

/** Dockerfile → graphs. Throws DockerfileError, and what the gateway throws for images and files that are not there. */
export async function compile(means: BuildMeans, signal: AbortSignal): Promise<Compiled> {
  const { services, attributes } = means;
  const result = await buildDockerfile(engineGateway(means, (path, bytes) => {
    means.seen.files.set(path, bytes);
    if (path === means.seen.dockerfileName) requireBuiltInSyntax(bytes, attributes);
  }), {
    opts: attributes,
    sessionId: means.session.id,
    workerPlatforms: [services.platform],
    hostPlatform: services.platform,
    disabledCapabilities: new Set(),
  }, signal);
  for (const finding of result.warnings) means.report(warningEvent(finding, result.dockerfile));
  return {
    attributes,
    epochSeconds: result.results.find(({ epochSeconds }) => epochSeconds !== undefined)?.epochSeconds,
    multiPlatform: result.multiPlatform,
    platforms: result.results.map(({ platform, definition, config }) => ({ platform: platform ?? configPlatform(config), definition, config })),
    frontend: { pins: [...services.pins.values()], images: [...services.resolved] },
  };
}

function warningEvent({ rule, message, url, location }: Finding, { filename, data }: DockerfileSource): BuildEvent {
  const [first] = location;
  const text = Buffer.from(data).toString("utf8");
  const excerpt = first && { filename, text, startLine: first.start.line, endLine: location.at(-1)?.end.line ?? first.end.line };
  return { kind: "warning", rule, message, url, detail: "", location: excerpt };
}

/** What the configuration says that it is for. */
function configPlatform(config: Uint8Array): Platform {
  // Made by our own frontend, which always names the platform.
  const { architecture, os, variant } = JSON.parse(Buffer.from(config).toString("utf8")) as Platform;
  return { architecture, os, ...(variant === undefined || variant === "" ? {} : { variant }) };
}
