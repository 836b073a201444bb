import { FrontendFailure } from "../bridge/frontend-failure.ts";
import type { DockerfileSource, FrontendResult } from "../frontend/frontend.ts";
import type { Gateway } from "../frontend/gateway.ts";
import { VertexError } from "../solver/vertex-error.ts";
import type { BuildMeans } from "./build-means.ts";
import type { Compiled } from "./compiled.ts";
import { codeOf } from "./build-error.ts";
import type { Call, CallAnswer } from "./call-frontend.ts";
import { callAnswer } from "./call-answer.ts";
import { asSubrequest } from "./subrequest.ts";
import { runFrontendImage } from "./frontend-images.ts";
import { frontendPlatforms } from "./frontend-result.ts";
import type { WantedFrontend } from "./frontend-syntax.ts";

export interface Forwarding {
  readonly wanted: WantedFrontend;
  readonly dockerfile: DockerfileSource;
}

export interface ForwardingEngine {
  readonly means: BuildMeans;
  readonly gateway: Gateway;
}

/** Hands the build on to the frontend that its Dockerfile asks for, as `gateway.v0` with the client's options. */
export async function forwardDockerfile(forwarding: Forwarding, engine: ForwardingEngine, signal: AbortSignal): Promise<Omit<Compiled, "rootAttributes" | "frontend">> {
  const { means } = engine;
  const attributes = forwardedAttributes(forwarding.wanted, means.attributes);
  return await withPlace(forwarding, async () => {
    const { platforms, multiPlatform } = frontendPlatforms(await runFrontendImage({ options: attributes, inputs: new Map() }, engine, signal), means.services.platform);
    return {
      multiPlatform,
      platforms: platforms.map(({ reference, ...platform }) => ({
        ...platform, history: [], scanExtras: new Map(), ignoresCache: false,
        asked: (reference && means.requests.makerOf(reference)) ?? means.requests.ask("gateway.v0", attributes, new Map()),
      })),
      epochSeconds: platforms.find(({ epochSeconds }) => epochSeconds !== undefined)?.epochSeconds ?? askedEpoch(attributes),
    };
  });
}

/** What the frontend that a Dockerfile asks for compiles it to, without building it. */
export async function compileByImage(forwarding: Forwarding, engine: ForwardingEngine, signal: AbortSignal): Promise<FrontendResult> {
  const { platforms, multiPlatform } = await forwardDockerfile(forwarding, engine, signal);
  return {
    multiPlatform, warnings: [], dockerfile: forwarding.dockerfile,
    results: platforms.map(({ platform, definition, config }) => ({ platform, definition, config, history: [], baseConfig: undefined, epochSeconds: undefined, ignoresCache: false, scanExtras: new Map() })),
  };
}

/** Asks the frontend that a Dockerfile asks for, instead of having it build. */
export async function forwardCall(call: Call, forwarding: Forwarding, engine: ForwardingEngine, signal: AbortSignal): Promise<CallAnswer> {
  const options = asSubrequest(call.name, forwardedAttributes(forwarding.wanted, engine.means.attributes));
  return await withPlace(forwarding, async () => callAnswer(call, (await runFrontendImage({ options, inputs: new Map() }, engine, signal)).metadata));
}

async function withPlace<T>(forwarding: Forwarding, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw placed(error, forwarding);
  }
}

/** Frontends before Dockerfile 1.5 say nothing of it: BuildKit's exporters look at the request too. */
function askedEpoch(attributes: ReadonlyMap<string, string>): bigint | undefined {
  const text = attributes.get("build-arg:SOURCE_DATE_EPOCH") ?? "";
  return /^\d{1,18}$/.test(text) ? BigInt(text) : undefined;
}

function forwardedAttributes({ source, commandLine }: WantedFrontend, attributes: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...attributes, ["cmdline", commandLine], ["source", source]]);
}

/** A failure that tells no place is one of the line that asked for the frontend. */
function placed(error: unknown, { wanted: { location }, dockerfile: { filename, data } }: Forwarding): unknown {
  const coded = codeOf(error);
  // A step has a place of its own; what has no code is an abort, or a bug of ours.
  if (coded === undefined || !(error instanceof Error) || error instanceof VertexError || (error instanceof FrontendFailure && error.place !== undefined)) return error;
  const details = { ...coded, cause: error };
  // The one that a build argument asks for stands at no line: buildx asks it itself.
  if (location === undefined) return new FrontendFailure(error.message, undefined, details);
  const lines = location.map(({ start, end }) => [start.line, end.line] as const);
  return new FrontendFailure(error.message, { filename, data, startLine: Math.min(...lines.map(([start]) => start)), endLine: Math.max(...lines.map(([, end]) => end)) }, details);
}
