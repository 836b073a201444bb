import type { Digest } from "../content/digest.ts";
import type { LlbGraph, LlbVertex } from "../llb/graph.ts";
import type { SourceOp } from "../llb/op.ts";
import type { Platform } from "../oci/platform.ts";
import { parseReference, tagNameOnly } from "../oci/reference.ts";
import { execOperation, type StepAside } from "../ops/exec.ts";
import { fileOperation } from "../ops/file-operation.ts";
import { diffOperation } from "../ops/diff.ts";
import { mergeOperation } from "../ops/merge.ts";
import { passthroughOperation } from "../ops/passthrough.ts";
import { OperationError } from "../ops/operation-error.ts";
import { gitOperation } from "../ops/source-git.ts";
import { httpOperation } from "../ops/source-http.ts";
import { imageOperation } from "../ops/source-image.ts";
import { localOperation } from "../ops/source-local.ts";
import { parseGitRequest, type GitRequest } from "../source/git-request.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { Graph, Operation, Vertex } from "../solver/operation.ts";
import type { BuildServices } from "./build-services.ts";
import { parseLocalSelection } from "./local-selection.ts";
import { keepingOrigin } from "./made-elsewhere.ts";
import { webAddress } from "./web-address.ts";

/** The graph with what each vertex does. Refuses a kind of vertex that this engine does not have, before anything runs. */
export function operationsOf(graph: LlbGraph, services: BuildServices): Graph<LayerChain> {
  return new Map([...graph.vertices].map(([digest, vertex]): [typeof digest, Vertex<LayerChain>] => [digest, {
    digest,
    name: vertex.name,
    inputs: vertex.inputs.map((input) => ({ vertex: input.digest, index: input.index })),
    ignoreCache: vertex.metadata?.ignoreCache ?? false,
    operation: keepingOrigin(operationOf(vertex, services), services.file.facts),
  }]));
}

function operationOf(vertex: LlbVertex, services: BuildServices): Operation<LayerChain> {
  const { op } = vertex.op;
  switch (op.case) {
    case "source":
      return sourceOperation(vertex, op.value, services);
    case "exec":
      return settlingFiles(execOperation(op.value, platformOf(vertex, services), services.exec, asideOf(vertex, services)), services);
    case "file":
      return fileOperation(op.value, vertex.inputs.length, services.file);
    case "merge":
      return mergeOperation(op.value);
    case "diff":
      return diffOperation(op.value, services.file);
    case "passthrough":
      return passthroughOperation(op.value, vertex.inputs.length);
    case "build":
    case undefined:
      throw new OperationError("unsupported", `${vertex.name}: the graph has an operation of kind ${op.case ?? "unknown"}, which this engine does not have`);
  }
}

function settlingFiles(operation: Operation<LayerChain>, { locals }: BuildServices): Operation<LayerChain> {
  return {
    ...operation,
    prepare() {
      locals.stepRuns();
      operation.prepare?.();
    },
  };
}

function asideOf(vertex: LlbVertex, services: BuildServices): StepAside {
  const { digest, metadata } = vertex;
  const { steps, usage, proxies, gate } = services;
  return {
    resources: metadata.linuxResources,
    openProxy: proxies?.for(platformOf(vertex, services), gate),
    onOutput: (stream, bytes) => steps.output(digest, stream, bytes),
    onUsage: usage === undefined ? undefined : (used) => void usage.set(digest, used),
  };
}

function sourceOperation(vertex: LlbVertex, source: SourceOp, services: BuildServices): Operation<LayerChain> {
  const [scheme, rest] = splitAt(source.identifier, "://");
  switch (scheme) {
    case "docker-image":
    case "oci-layout":
      return imageOperation(tagNameOnly(parseReference(rest)), platformOf(vertex, services), { uses: services.imageUses, pin: async (reference, platform, signal) => {
        const pinned = scheme === "docker-image" ? await services.images.pin(reference, platform, signal) : await services.layouts(source.attrs["oci.store"] ?? "").pin(reference, platform, signal);
        services.pins.set(vertex.digest, { kind: "image", reference, digest: pinned.digest, platform, layout: scheme === "oci-layout" });
        services.fetches.own(vertex.digest, pinned.chain);
        return pinned;
      } });
    case "local":
      return localOperation(async (signal) => {
        // Nothing is moved here. In BuildKit's words it is told how much had to be read, as it tells what its client had to send.
        const found = await services.locals.read(rest, parseLocalSelection(source.attrs), signal, () => services.steps.begin(vertex.digest, `transferring ${rest}:`));
        services.pins.set(vertex.digest, { kind: "local", name: rest, root: found.root });
        return found;
      });
    case "http":
    case "https":
      return httpOperation(httpRequest(source), services.http, (digest) => services.pins.set(vertex.digest, { kind: "http", url: source.identifier, digest }));
    case "git":
      return gitSourceOperation(vertex.digest, parseGitRequest(rest, source.attrs), services);
    default:
      throw new OperationError("unsupported", `${vertex.name}: sources of kind ${scheme}:// are not supported yet`);
  }
}

function gitSourceOperation(vertex: Digest, request: GitRequest, { git, pins }: BuildServices): Operation<LayerChain> {
  return gitOperation(request, git, (commit) => pins.set(vertex, { kind: "git", request, commit }));
}

/** Throws RequestError for what is no web address. */
export function httpRequest({ identifier, attrs }: { readonly identifier: string; readonly attrs: Readonly<Record<string, string>> }): Parameters<typeof httpOperation>[0] {
  const checksum = attrs["http.checksum"];
  webAddress(identifier);
  return {
    url: identifier,
    // Of any algorithm: as with BuildKit, what is fetched is compared by its sha256, and is never what another says.
    checksum,
    filename: attrs["http.filename"],
    mode: attrs["http.perm"] === undefined ? 0o600 : Number.parseInt(attrs["http.perm"], 8),
    uid: Number(attrs["http.uid"] ?? 0),
    gid: Number(attrs["http.gid"] ?? 0),
  };
}

export function platformOf(vertex: LlbVertex, services: Pick<BuildServices, "platform">): Platform {
  const { platform } = vertex.op;
  if (platform === undefined) return services.platform;
  const { Architecture: architecture, OS: os, Variant: variant, OSVersion, OSFeatures } = platform;
  return {
    architecture, os,
    ...(variant === "" ? {} : { variant }),
    ...(OSVersion === "" ? {} : { "os.version": OSVersion }),
    ...(OSFeatures.length === 0 ? {} : { "os.features": OSFeatures }),
  };
}

function splitAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}
