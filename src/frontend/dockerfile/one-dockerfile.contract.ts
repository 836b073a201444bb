import type { FrontendRequest } from "../frontend.ts";
import type { Gateway } from "../gateway.ts";

const HOST = { os: "linux", architecture: "amd64" };

/** A build of nothing but a Dockerfile. */
export const LINUX_REQUEST: FrontendRequest = { opts: new Map(), sessionId: "", workerPlatforms: [HOST], hostPlatform: HOST, disabledCapabilities: new Set(), inputs: new Map(), scanArguments: new Map() };

/** Every image has one layer and no settings; the context is empty. */
export function gatewayOf(dockerfile: Uint8Array): Gateway {
  const config = Buffer.from(JSON.stringify({ ...HOST, rootfs: { type: "layers", diff_ids: [`sha256:${"1".repeat(64)}`] }, config: {} }));
  return {
    resolveImage: async (ref) => ({ ref, digest: undefined, config }),
    solve: async () => ({ readFile: async (path) => (path === "Dockerfile" ? dockerfile : undefined) }),
  };
}
