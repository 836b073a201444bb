import { askFrontend, askOffline, type OfflineMeans } from "../engine/ask-frontend.ts";
import { compileByImage, forwardCall } from "../engine/forward-dockerfile.ts";
import { callFrontend, type Call, type CallAnswer } from "../engine/call-frontend.ts";
import type { BuildRequest } from "../engine/build-request.ts";
import { buildDockerfile } from "../frontend/dockerfile/build.ts";
import type { FrontendResult } from "../frontend/frontend.ts";
import { warningEvent } from "../engine/warning-event.ts";
import { EventQueue } from "../progress/event-queue.ts";
import type { BuildEvent } from "../progress/event.ts";

/** Dockerfiles: parsed, and compiled to graphs of build steps, without building. */
export { BuildError } from "../engine/build-error.ts";
export type { BuildRequest } from "../engine/build-request.ts";
export type { Call, CallAnswer, CallName } from "../engine/call-frontend.ts";
export type { OfflineMeans } from "../engine/ask-frontend.ts";
export type { ImageTable } from "../engine/offline-gateway.ts";
export { DockerfileError, type DockerfileErrorCode } from "../frontend/dockerfile/dockerfile-error.ts";
export { FrontendOptionError } from "../frontend/dockerfile/frontend-option-error.ts";
export type { Finding, Parsed } from "../frontend/dockerfile/parsed.ts";
export type { Instruction, Stage } from "../frontend/dockerfile/instruction.ts";
export { parseDockerfile } from "../frontend/dockerfile/stages.ts";
export type { DockerfileSource, FrontendRequest, FrontendResult, PlatformResult } from "../frontend/frontend.ts";
export type { Gateway, GatewayResult, ResolveImageOptions, ResolvedImage } from "../frontend/gateway.ts";
export type { Platform } from "../oci/platform.ts";

export type { BuildEvent } from "../progress/event.ts";

/** For who answers the frontend's questions himself. */
export { buildDockerfile as compileDockerfile } from "../frontend/dockerfile/build.ts";

/**
 * Compiles the Dockerfile of a build. With `offline`, images come from its table and nothing touches the network or
 * the state; without, they are looked up in registries. Throws BuildError.
 */
export async function compileBuild(request: BuildRequest, offline?: OfflineMeans): Promise<FrontendResult> {
  return offline === undefined ? await askFrontend(request, () => undefined, { builtIn: buildDockerfile, image: compileByImage }) : await askOffline(request, offline, buildDockerfile);
}

/** A question that is under way. */
export interface CallRun {
  /** What is read and looked up for it, as it happens. Nobody has to read them. */
  readonly events: AsyncIterable<BuildEvent>;
  /** Rejects with BuildError, or with the signal's reason. */
  readonly result: Promise<CallAnswer>;
}

/** Asks about the Dockerfile of a build instead of building it: what is wrong with it, what it takes, which stages it has. */
export function callBuild(request: BuildRequest, call: Call): CallRun {
  const events = new EventQueue();
  const result = askFrontend(request, (event) => events.push(event), {
    builtIn: async (gateway, frontend, signal, report) => await callFrontend(call, { gateway, request: frontend, warn: (finding, dockerfile) => report(warningEvent(finding, dockerfile)) }, signal),
    image: async (forwarding, engine, signal) => await forwardCall(call, forwarding, engine, signal),
  }).finally(() => events.end());
  // Who only reads the events still sees the failure there; it must not end the process.
  result.catch(() => undefined);
  return { events, result };
}
