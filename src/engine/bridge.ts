import type { Bridge, BridgeReference, BridgeResult, BridgeSolve, BridgeWarning, SourceMetadata } from "../bridge/bridge.ts";
import { buildDockerfile } from "../frontend/dockerfile/build.ts";
import type { FrontendRequest } from "../frontend/frontend.ts";
import type { Gateway } from "../frontend/gateway.ts";
import { LLB_CAPABILITIES } from "../llb/capabilities.ts";
import type { Definition } from "../llb/definition.ts";
import type { SourceOp } from "../llb/op.ts";
import { parseReference, tagNameOnly, formatReference } from "../oci/reference.ts";
import { parseGitRequest } from "../source/git-request.ts";
import { fetchHttpFile } from "../source/http.ts";
import { SourceError } from "../source/source-error.ts";
import { lazyReference } from "./bridge-reference.ts";
import type { BuildMeans } from "./build-means.ts";
import { frontendResult } from "./frontend-result.ts";
import { httpRequest } from "./operations.ts";
import { runFrontendImage } from "./frontend-images.ts";
import { RequestError } from "./request-error.ts";
import { warningEvent } from "./warning-event.ts";

/** What is told of the one worker that there is: this process. */
const WORKER_LABELS: ReadonlyMap<string, string> = new Map([["org.mobyproject.buildkit.worker.executor", "oci"]]);

export interface BridgeMeans {
  readonly means: BuildMeans;
  readonly gateway: Gateway;
  readonly inputs: ReadonlyMap<string, Definition>;
}

/** The engine as frontends in containers see it. */
export function engineBridge({ means, gateway, inputs }: BridgeMeans): Bridge {
  const { services, session } = means;
  return {
    worker: { id: session.id, labels: WORKER_LABELS, platforms: [services.platform] },
    capabilities: LLB_CAPABILITIES,
    inputs,
    resolveImage: (ref, options, signal) => gateway.resolveImage(formatReference(tagNameOnly(parseReference(ref))), options, signal),
    resolveSource: (source, options, signal) => resolveSource(source, options, { means, gateway }, signal),
    solve: (request, signal) => solve(request, { means, gateway }, signal),
    warn: (warning) => means.report(bridgeWarning(warning)),
  };
}

interface Engine {
  readonly means: BuildMeans;
  readonly gateway: Gateway;
}

async function solve({ definition, frontend, options, inputs }: BridgeSolve, { means, gateway }: Engine, signal: AbortSignal): Promise<BridgeResult> {
  switch (frontend) {
    case "":
      return { references: { kind: "single", reference: referenceOf(definition, means) }, metadata: new Map(), attestations: new Map() };
    case "dockerfile.v0": {
      const result = await buildDockerfile(gateway, frontendRequest(means, options, inputs), signal);
      for (const finding of result.warnings) means.report(warningEvent(finding, result.dockerfile));
      return frontendResult(result, (each) => referenceOf(each, means), means.services.platform);
    }
    case "gateway.v0":
      return await runFrontendImage({ options, inputs }, { means, gateway }, signal);
    default:
      throw new RequestError("usage", `invalid frontend: ${frontend}`);
  }
}

/** Undefined for an empty tree. */
function referenceOf(definition: Definition | undefined, means: BuildMeans): BridgeReference | undefined {
  return definition === undefined || definition.def.length === 0 ? undefined : lazyReference(definition, means);
}

export function frontendRequest({ services, session }: BuildMeans, opts: ReadonlyMap<string, string>, inputs: ReadonlyMap<string, Definition>): FrontendRequest {
  return { opts, inputs, sessionId: session.id, workerPlatforms: [services.platform], hostPlatform: services.platform, disabledCapabilities: new Set() };
}

async function resolveSource(source: SourceOp, options: Parameters<Bridge["resolveSource"]>[1], { means: { services }, gateway }: Engine, signal: AbortSignal): Promise<SourceMetadata> {
  const nothing = { source, image: undefined, git: undefined, http: undefined };
  const { identifier, attrs } = source;
  const [scheme = "", rest = ""] = /^([a-z-]+):\/\/(.*)$/s.exec(identifier)?.slice(1) ?? [];
  switch (scheme) {
    case "docker-image":
    case "oci-layout": {
      const layout = scheme === "oci-layout" ? { layout: { sessionId: attrs["oci.session"] ?? "", storeId: attrs["oci.store"] ?? "" } } : {};
      const { ref, digest, config } = await gateway.resolveImage(formatReference(tagNameOnly(parseReference(rest))), { ...options, ...layout }, signal);
      return { ...nothing, source: { ...source, identifier: `${scheme}://${ref}` }, image: { digest, config } };
    }
    case "git": {
      const { hash, commit, ref } = await services.steps.work(options.logName, () => services.git.resolve(parseGitRequest(rest, attrs), signal));
      return { ...nothing, git: { hash, commit, ref } };
    }
    case "http":
    case "https": {
      const { digest, filename, lastModifiedNs } = await services.steps.work(options.logName, () => fetchHttpFile(httpRequest(source), services.http, signal));
      return { ...nothing, http: { digest, filename, lastModifiedNs: lastModifiedNs === 0n ? undefined : lastModifiedNs } };
    }
    default:
      throw new SourceError("unsupported", `nothing can be told of ${identifier} before it is fetched`);
  }
}

function bridgeWarning({ message, detail, url, source, ranges }: BridgeWarning): ReturnType<typeof warningEvent> {
  const [, rule = "", text = message] = /^([A-Za-z]+): (.*?)(?: \(line \d+\))?$/s.exec(message) ?? [];
  const [first] = ranges;
  const location = source === undefined || first === undefined ? undefined : {
    filename: source.filename,
    text: Buffer.from(source.data).toString("utf8"),
    startLine: first.start?.line ?? 0,
    endLine: ranges.at(-1)?.end?.line ?? 0,
  };
  return { kind: "warning", rule, message: text, url, detail: detail.join("\n"), location };
}

