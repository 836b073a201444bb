import type { Bridge, BridgeReference, BridgeResult, BridgeSolve, BridgeWarning, Ruled, SourceMetadata } from "../bridge/bridge.ts";
import { convertDockerfileFor, openDockerfile } from "../frontend/dockerfile/build.ts";
import type { Gateway, ResolveImageOptions } from "../frontend/gateway.ts";
import { LLB_CAPABILITIES } from "../llb/capabilities.ts";
import { definitionOf, type Definition } from "../llb/definition.ts";
import type { SourceOp } from "../llb/op.ts";
import { parseReference, tagNameOnly, formatReference } from "../oci/reference.ts";
import { parseWarningText } from "../progress/warning-text.ts";
import { parseGitRequest } from "../source/git-request.ts";
import { fetchHttpFile } from "../source/http.ts";
import { SourceError } from "../source/source-error.ts";
import { admittedSource } from "./admitted-source.ts";
import { openBridgeContainer } from "./bridge-container.ts";
import { lazyReference } from "./bridge-reference.ts";
import type { BuildMeans } from "./build-means.ts";
import { lookingUp, readPolicies, ruled } from "./frontend-policies.ts";
import { frontendRequest } from "./frontend-request.ts";
import { frontendResult } from "./frontend-result.ts";
import { engineGateway } from "./gateway.ts";
import { httpRequest } from "./operations.ts";
import { RequestError } from "./request-error.ts";
import type { AskedRequest } from "./request-trail.ts";
import type { Asked } from "./call-frontend.ts";
import { shownDefinition } from "./shown-definition.ts";
import { answerSubrequest } from "./subrequest.ts";
import { warningEvent } from "./warning-event.ts";

/** What is told of the one worker that there is: this process. */
const WORKER_LABELS: ReadonlyMap<string, string> = new Map([["org.mobyproject.buildkit.worker.executor", "oci"]]);

export interface BridgeMeans {
  readonly means: BuildMeans;
  readonly gateway: Gateway;
  readonly inputs: ReadonlyMap<string, Definition>;
  /** What the frontend was asked itself. */
  readonly request: AskedRequest;
  /** Runs a frontend that is an image, for a frontend that asks for one. */
  readonly runImage: (request: Pick<BridgeSolve, "options" | "inputs">, signal: AbortSignal) => Promise<BridgeResult>;
}

/** The engine as frontends in containers see it. */
export function engineBridge(engine: BridgeMeans): Bridge {
  const { means, inputs } = engine;
  const { services, session } = means;
  return {
    worker: { id: session.id, labels: WORKER_LABELS, platforms: [services.platform] },
    capabilities: LLB_CAPABILITIES,
    inputs,
    resolveImage: async (ref, { policies, ...options }, signal) => await (await ruledBy(policies, engine)).gateway.resolveImage(formatReference(tagNameOnly(parseReference(ref))), options, signal),
    resolveSource: async (source, { policies, ...options }, signal) => await resolveSource(source, options, await ruledBy(policies, engine), signal),
    solve: (request, signal) => solve(request, engine, signal),
    openContainer: means.engine.withoutNamespaces ? undefined : (request, signal) => openBridgeContainer(request, means, signal),
    warn: (warning) => means.report(bridgeWarning(warning)),
  };
}

/** For what is looked up, and not read: a file that is read is told to whoever opened the gateway. */
async function ruledBy(policies: Ruled["policies"], { means, gateway }: Pick<BridgeMeans, "means" | "gateway">): Promise<Pick<BridgeMeans, "means" | "gateway">> {
  if (policies.length === 0) return { means, gateway };
  const ruledMeans = lookingUp(means, await readPolicies(policies));
  return { means: ruledMeans, gateway: engineGateway(ruledMeans, () => undefined) };
}

async function solve({ definition, frontend, options, inputs, policies }: BridgeSolve, engine: BridgeMeans, signal: AbortSignal): Promise<BridgeResult> {
  const { means, request, runImage } = engine;
  switch (frontend) {
    case "":
      return means.requests.answer(request, { references: { kind: "single", reference: referenceOf(definition === undefined ? undefined : ruled(definition, await readPolicies(policies)), means) }, metadata: new Map(), attestations: new Map() });
    case "dockerfile.v0":
      return means.requests.answer(means.requests.ask(frontend, options, inputs), await solveDockerfile({ options, inputs }, engine, signal));
    case "gateway.v0":
      return await runImage({ options, inputs }, signal);
    default:
      throw new RequestError("usage", `invalid frontend: ${frontend}`);
  }
}

/** What the built-in frontend makes of a request. */
export async function solveDockerfile({ options, inputs }: Pick<BridgeSolve, "options" | "inputs">, { means, gateway }: Pick<BridgeMeans, "means" | "gateway">, signal: AbortSignal): Promise<BridgeResult> {
  const request = frontendRequest(means, options, inputs);
  const warn: Asked["warn"] = (finding, dockerfile) => means.report(warningEvent(finding, dockerfile));
  const asked = options.get("requestid");
  if (asked !== undefined) return { references: { kind: "single", reference: undefined }, metadata: await answerSubrequest(asked, { gateway, request, warn }, signal), attestations: new Map() };
  const open = await openDockerfile(gateway, request, signal);
  const result = await convertDockerfileFor(open, (finding) => warn(finding, open.dockerfile), signal);
  return frontendResult(result, (each) => referenceOf(each, means), means.services.platform);
}

/** Undefined for an empty tree. */
function referenceOf(definition: Definition | undefined, means: BuildMeans): BridgeReference | undefined {
  return definition === undefined || definition.def.length === 0 ? undefined : lazyReference(definition, means);
}

async function resolveSource(source: SourceOp, options: Omit<ResolveImageOptions, "layout">, { means: { services }, gateway }: Pick<BridgeMeans, "means" | "gateway">, signal: AbortSignal): Promise<SourceMetadata> {
  // An image is asked about where it is looked up.
  const isImage = /^(?:docker-image|oci-layout):/.test(source.identifier);
  const { identifier, attrs } = isImage ? source : await admittedSource(source, services, signal);
  const nothing = { source: isImage ? source : { ...source, identifier, attrs: { ...attrs } }, image: undefined, git: undefined, http: undefined };
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
      const { digest, filename, lastModifiedNs } = await services.steps.work(options.logName, () => fetchHttpFile(httpRequest({ identifier, attrs }), services.http, signal));
      return { ...nothing, http: { digest, filename, lastModifiedNs: lastModifiedNs === 0n ? undefined : lastModifiedNs } };
    }
    default:
      throw new SourceError("unsupported", `nothing can be told of ${identifier} before it is fetched`);
  }
}

function bridgeWarning({ vertex, message, detail, url, source, ranges }: BridgeWarning): ReturnType<typeof warningEvent> {
  const [first] = ranges;
  const location = source === undefined || first === undefined ? undefined : {
    filename: source.filename,
    text: Buffer.from(source.data).toString("utf8"),
    startLine: first.start?.line ?? 0,
    endLine: ranges.at(-1)?.end?.line ?? 0,
    ...(source.language === "" ? {} : { language: source.language }),
    ...(source.definition === undefined ? {} : { definition: shownDefinition(definitionOf(source.definition)) }),
  };
  return { kind: "warning", ...(vertex === undefined ? {} : { step: vertex }), ...parseWarningText(message), url, detail: detail.join("\n"), location };
}
