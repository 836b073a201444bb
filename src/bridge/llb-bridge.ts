import { GrpcCode, GrpcError } from "../grpc/grpc-error.ts";
import type { CallContext, Methods } from "../grpc/service.ts";
import { definitionMessage, definitionOf, vertexDigest, type Definition } from "../llb/definition.ts";
import { LlbError } from "../llb/llb-error.ts";
import type { Platform } from "../oci/platform.ts";
import type { Definition as DefinitionMessage, Platform as PlatformMessage } from "../proto/pb/ops_pb.ts";
import type { LLBBridge, ReadDirRequest, ReadFileRequest, ResolveImageConfigRequest, ResolveSourceMetaRequest, ReturnRequest, SolveRequest, StatFileRequest, WarnRequest } from "../proto/frontend/gateway_pb.ts";
import type { Policy } from "../proto/sourcepolicy/policy_pb.ts";
import type { Bridge, BridgeResult, SourceMetadata } from "./bridge.ts";
import { containerCalls } from "./container-calls.ts";
import { Containers } from "./containers.ts";
import { CONTAINER_CAPABILITIES, FRONTEND_CAPABILITIES } from "./frontend-capabilities.ts";
import { frontendFailure } from "./frontend-failure.ts";
import { References } from "./references.ts";
import { resultMessage, returnedResult } from "./result-message.ts";

/** LLBBridge for one frontend, and what it returned. Disposing releases the containers that it has open. */
export interface ServedBridge extends AsyncDisposable {
  readonly methods: Methods<typeof LLBBridge>;
  /** Undefined until the frontend has returned. Throws FrontendFailure where it returned one. */
  readonly returned: () => BridgeResult | undefined;
}

/** `host` completes what a frontend leaves out of a platform. */
export function serveBridge(bridge: Bridge, host: Platform): ServedBridge {
  const references = new References();
  const containers = new Containers();
  let returned: BridgeResult | Error | undefined;
  const settle = (result: BridgeResult | Error): void => {
    if (returned !== undefined) throw new GrpcError(GrpcCode.unknown, "gateway result is already set");
    returned = result;
  };
  return {
    returned() {
      if (returned instanceof Error) throw returned;
      return returned;
    },
    [Symbol.asyncDispose]: () => containers[Symbol.asyncDispose](),
    methods: {
      ...containerCalls({ bridge, references, containers, platformOf: (message) => platformOf(message, host) }),
      ping: async () => pong(bridge),
      inputs: async () => ({ Definitions: Object.fromEntries([...bridge.inputs].map(([name, definition]) => [name, definitionMessage(definition)])) }),
      resolveImageConfig: (request, { signal }) => resolveImage(request, { bridge, host }, signal),
      resolveSourceMeta: (request, { signal }) => resolveSource(request, { bridge, host }, signal),
      solve: async (request, context) => await solve(request, { bridge, references, settle }, context),
      async evaluate({ Ref }, { signal }) {
        await references.get(Ref).evaluate(signal);
        return {};
      },
      readFile: (request, { signal }) => readFile(request, references, signal),
      readDir: (request, { signal }) => readDirectory(request, references, signal),
      statFile: (request, { signal }) => statFile(request, references, signal),
      warn: async (request) => warn(request, bridge),
      async return(request) {
        settle(returnedOf(request, references));
        return {};
      },
    },
  };
}

function pong({ worker, capabilities, openContainer }: Bridge) {
  const enabled = (ID: string): { ID: string; Enabled: boolean } => ({ ID, Enabled: true });
  return {
    FrontendAPICaps: [...FRONTEND_CAPABILITIES, ...(openContainer === undefined ? [] : CONTAINER_CAPABILITIES)].map(enabled),
    LLBCaps: capabilities.map(enabled),
    Workers: [{ ID: worker.id, Labels: Object.fromEntries(worker.labels), platforms: worker.platforms.map(platformMessage) }],
  };
}

interface Asked {
  readonly bridge: Bridge;
  readonly host: Platform;
}

async function resolveImage(request: ResolveImageConfigRequest, { bridge, host }: Asked, signal: AbortSignal) {
  const layout = request.ResolverType === 1 ? { layout: { sessionId: request.SessionID, storeId: request.StoreID } } : {};
  const options = { platform: platformOf(request.Platform, host), resolveMode: resolveModeOf(request.ResolveMode), logName: logNameOf(request.LogName, request.Ref), policies: request.SourcePolicies, ...layout };
  const { ref, digest, config } = await bridge.resolveImage(request.Ref, options, signal);
  return { Ref: ref, Digest: digest ?? "", Config: Uint8Array.from(config) };
}

async function resolveSource(request: ResolveSourceMetaRequest, { bridge, host }: Asked, signal: AbortSignal) {
  const { Source: source, Git, Image, HTTP } = request;
  if (source === undefined) throw new GrpcError(GrpcCode.invalidArgument, "source is required");
  if (Git?.ReturnObject === true || Image?.AttestationChain === true || (Image?.ResolveAttestations.length ?? 0) > 0 || HTTP !== undefined) {
    throw new GrpcError(GrpcCode.unimplemented, `more than digest and configuration of ${source.identifier} was asked for, which is not supported`);
  }
  const options = { platform: platformOf(request.Platform, host), resolveMode: resolveModeOf(request.ResolveMode), logName: logNameOf(request.LogName, source.identifier), policies: request.SourcePolicies };
  return sourceMessage(await bridge.resolveSource(source, options, signal), Image?.NoConfig === true);
}

function sourceMessage({ source, image, git, http }: SourceMetadata, withoutConfig: boolean) {
  const time = http?.lastModifiedNs;
  return {
    Source: source,
    ...(image === undefined ? {} : { Image: { Digest: image.digest ?? "", Config: withoutConfig ? new Uint8Array() : Uint8Array.from(image.config) } }),
    ...(git === undefined ? {} : { Git: { Checksum: git.hash, Ref: git.ref, CommitChecksum: git.commit === git.hash ? "" : (git.commit ?? "") } }),
    ...(http === undefined ? {} : { HTTP: { Checksum: http.digest, Filename: http.filename, ...(time === undefined ? {} : { LastModified: { seconds: time / 1_000_000_000n, nanos: Number(time % 1_000_000_000n) } }) } }),
  };
}

interface Solving {
  readonly bridge: Bridge;
  readonly references: References;
  readonly settle: (result: BridgeResult) => void;
}

async function solve(request: SolveRequest, { bridge, references, settle }: Solving, { signal }: CallContext) {
  if (request.Frontend !== "") refusePolicies(request.SourcePolicies, request.Frontend);
  const inputs = new Map(Object.entries(request.FrontendInputs).map(([name, message]) => [name, decoded(message)]));
  const definition = request.Definition === undefined ? undefined : decoded(request.Definition);
  const result = await bridge.solve({ definition, frontend: request.Frontend, options: new Map(Object.entries(request.FrontendOpt)), inputs, policies: request.SourcePolicies }, signal);
  const { references: made } = result;
  if (made.kind === "many" && !request.allowResultReturn) throw new GrpcError(GrpcCode.unknown, "solve did not return default result");
  if (request.Evaluate) for (const each of made.kind === "single" ? [made.reference] : made.references.values()) await each?.evaluate(signal);
  // The first clients return by their last solve.
  if (request.Final) settle({ ...result, metadata: new Map([...exporterAttributes(request.ExporterAttr), ...result.metadata]) });
  const message = resultMessage(result, request, references);
  const deprecated = message.result?.case === "refDeprecated" ? message.result.value : "";
  return { ref: request.allowResultReturn ? "" : deprecated, result: message };
}

/** A JSON object of base64 texts. */
function exporterAttributes(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  if (bytes.byteLength === 0) return new Map();
  try {
    const attributes: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return new Map(Object.entries(attributes ?? {}).map(([key, value]) => [key, Buffer.from(String(value), "base64")]));
  } catch (error) {
    throw new GrpcError(GrpcCode.invalidArgument, "the exporter's attributes are not JSON", [], { cause: error });
  }
}

async function readFile({ Ref, FilePath, Range }: ReadFileRequest, references: References, signal: AbortSignal) {
  const range = Range === undefined ? undefined : { offset: Number(Range.Offset), length: Number(Range.Length) };
  return { Data: Uint8Array.from(await references.get(Ref).readFile(FilePath, range, signal)) };
}

async function readDirectory({ Ref, DirPath, IncludePattern }: ReadDirRequest, references: References, signal: AbortSignal) {
  return { entries: [...(await references.get(Ref).readDirectory(DirPath, IncludePattern, signal))] };
}

async function statFile({ Ref, Path }: StatFileRequest, references: References, signal: AbortSignal) {
  return { stat: await references.get(Ref).stat(Path, signal) };
}

function warn({ digest, short, detail, url, info, ranges }: WarnRequest, bridge: Bridge) {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
  bridge.warn({ vertex: digest === "" ? undefined : vertexDigest(digest), message: text(short), detail: detail.map(text), url, source: info, ranges });
  return {};
}

function returnedOf({ result, error }: ReturnRequest, references: References): BridgeResult | Error {
  if (error !== undefined) return frontendFailure(error);
  if (result === undefined) throw new GrpcError(GrpcCode.unknown, "gateway return must be either result or err");
  return returnedResult(result, references);
}

function decoded(message: DefinitionMessage): Definition {
  try {
    return definitionOf(message);
  } catch (error) {
    if (error instanceof LlbError) throw new GrpcError(GrpcCode.invalidArgument, error.message, [], { cause: error });
    throw error;
  }
}

/** BuildKit passes over those that come with a request to another frontend. To build as if there were no policy would be worse than not to build. */
function refusePolicies(policies: readonly Policy[], frontend: string): void {
  if (policies.length > 0) throw new GrpcError(GrpcCode.unimplemented, `source policies are not supported with a request to the frontend ${frontend}: send them with its graph`);
}

function resolveModeOf(text: string): "default" | "pull" | "local" {
  if (text === "" || text === "default") return "default";
  if (text === "pull") return "pull";
  if (text === "local") return "local";
  throw new GrpcError(GrpcCode.invalidArgument, `invalid resolvemode: ${text}`);
}

function logNameOf(asked: string, name: string): string {
  return asked === "" ? `resolve image config for ${name.includes("://") ? name : `docker-image://${name}`}` : asked;
}

function platformMessage(platform: Platform) {
  const { os, architecture, variant = "", "os.version": version = "", "os.features": features = [] } = platform;
  return { OS: os, Architecture: architecture, Variant: variant, OSVersion: version, OSFeatures: [...features] };
}

function platformOf(message: PlatformMessage | undefined, host: Platform): Platform {
  if (message === undefined) return host;
  const { OS, Architecture, Variant, OSVersion, OSFeatures } = message;
  return {
    os: OS, architecture: Architecture,
    ...(Variant === "" ? {} : { variant: Variant }),
    ...(OSVersion === "" ? {} : { "os.version": OSVersion }),
    ...(OSFeatures.length === 0 ? {} : { "os.features": OSFeatures }),
  };
}
