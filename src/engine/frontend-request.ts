import type { FrontendRequest } from "../frontend/frontend.ts";
import type { Definition } from "../llb/definition.ts";
import type { BuildMeans } from "./build-means.ts";

/** What asks for more to be scanned than the result. BuildKit looks at them only where the Dockerfile declares them. */
const SCAN_ARGUMENTS = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

/** A request to the built-in frontend, of this build's session and for this machine. */
export function frontendRequest({ services, session }: BuildMeans, opts: ReadonlyMap<string, string>, inputs: ReadonlyMap<string, Definition>): FrontendRequest {
  const scanArguments = new Map(SCAN_ARGUMENTS.flatMap((name) => {
    const value = opts.get(`build-arg:${name}`);
    return value === undefined ? [] : [[name, value] as const];
  }));
  return { opts, inputs, scanArguments, sessionId: session.id, workerPlatforms: [services.platform], hostPlatform: services.platform, disabledCapabilities: new Set() };
}
