import { buildDockerfile } from "../frontend/dockerfile/build.ts";
import type { Definition } from "../llb/definition.ts";
import type { Platform } from "../oci/platform.ts";
import type { ImageCapture } from "../provenance/capture.ts";
import type { BuildMeans } from "./build-means.ts";
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
  /** Whether the request named platforms: the metadata file tells them apart then. */
  readonly attributes: ReadonlyMap<string, string>;
  /** What the frontend itself read and looked up. */
  readonly frontend: { readonly pins: readonly Pin[]; readonly images: readonly ImageCapture[] };
}

/** Dockerfile → graphs. Throws DockerfileError, and what the gateway throws for images and files that are not there. */
export async function compile(means: BuildMeans, signal: AbortSignal): Promise<Compiled> {
  const { services, attributes } = means;
  const result = await buildDockerfile(engineGateway(means, (path, bytes) => means.seen.files.set(path, bytes)), {
    opts: attributes,
    sessionId: means.session.id,
    workerPlatforms: [services.platform],
    disabledCaps: new Set(),
  }, signal);
  for (const warning of result.warnings) means.report({ kind: "warning", rule: warning.rule, message: warning.message, url: warning.url, detail: warning.description, location: undefined });
  return {
    attributes,
    platforms: result.results.map(({ platform, definition, config }) => ({ platform: platform ?? configPlatform(config), definition, config })),
    frontend: { pins: [...services.pins.values()], images: [...services.resolved] },
  };
}

/** What the configuration says that it is for. */
function configPlatform(config: Uint8Array): Platform {
  // Made by our own frontend, which always names the platform.
  const { architecture, os, variant } = JSON.parse(Buffer.from(config).toString("utf8")) as Platform;
  return { architecture, os, ...(variant === undefined || variant === "" ? {} : { variant }) };
}
