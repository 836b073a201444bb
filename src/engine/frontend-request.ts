import type { FrontendRequest } from "../frontend/frontend.ts";
import type { Definition } from "../llb/definition.ts";
import type { BuildMeans } from "./build-means.ts";

/** A request to the built-in frontend, of this build's session and for this machine. */
export function frontendRequest({ services, session }: BuildMeans, opts: ReadonlyMap<string, string>, inputs: ReadonlyMap<string, Definition>): FrontendRequest {
  return { opts, inputs, sessionId: session.id, workerPlatforms: [services.platform], hostPlatform: services.platform, disabledCapabilities: new Set() };
}
