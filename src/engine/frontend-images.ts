import type { BridgeResult } from "../bridge/bridge.ts";
import type { Gateway } from "../frontend/gateway.ts";
import { findFrontendImage, requireFrontendCapabilities } from "../frontend/frontend-image.ts";
import type { Definition } from "../llb/definition.ts";
import { admittedFrontend } from "./admitted-source.ts";
import { engineBridge, solveDockerfile } from "./bridge.ts";
import type { BuildMeans } from "./build-means.ts";
import { CAPABILITIES_OPTION } from "./frontend-attributes.ts";
import { frontendRequest } from "./frontend-request.ts";
import { RequestError } from "./request-error.ts";

/** A request to BuildKit's `gateway.v0`: a frontend that is an image, named by the option `source`. */
export interface GatewayRequest {
  readonly options: ReadonlyMap<string, string>;
  readonly inputs: ReadonlyMap<string, Definition>;
}

/** Runs the frontend that a request names. Throws RequestError, FrontendOptionError, and what the frontend says. */
export async function runFrontendImage({ options, inputs }: GatewayRequest, { means, gateway }: { readonly means: BuildMeans; readonly gateway: Gateway }, signal: AbortSignal): Promise<BridgeResult> {
  const source = options.get("source");
  if (source === undefined) throw new RequestError("usage", "no source specified for gateway");
  const request = means.requests.ask("gateway.v0", options, inputs);
  const bridge = engineBridge({ means, gateway, inputs, request, runImage: (asked, runSignal) => runFrontendImage(asked, { means, gateway }, runSignal) });
  // The built-in frontend is what these images hold; a named context says that another one is meant.
  const wanted = await admittedFrontend({ source, commandLine: "", location: undefined }, options, means.services, signal);
  if (wanted === undefined) return means.requests.answer(request, await solveDockerfile({ options, inputs }, { means, gateway }, signal));
  const image = await findFrontendImage(wanted.source, { gateway, request: frontendRequest(means, options, inputs) }, signal);
  const asked = (options.get(CAPABILITIES_OPTION) ?? "").split(",").filter((name) => name !== "");
  requireFrontendCapabilities(image, [...asked.map((name) => name.replace(/\+forward$/, "")), ...(inputs.size > 0 ? ["moby.buildkit.frontend.inputs"] : [])]);
  // With it come the bridge and its messages, which few builds need, and which take time to load.
  const { runFrontend } = await import("./run-frontend.ts");
  return means.requests.answer(request, await runFrontend({ image, bridge, options }, means, signal));
}
