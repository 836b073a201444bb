import { parseDigest } from "../../src/content/digest.ts";
import type { Gateway, GatewayResult, ResolveImageOptions, ResolvedImage } from "../../src/frontend/gateway.ts";
import type { Definition } from "../../src/llb/definition.ts";
import { loadGraph } from "../../src/llb/graph.ts";
import { formatPlatform, normalizePlatform, parsePlatform, type Platform } from "../../src/oci/platform.ts";
import { stubImage } from "./stub-image.ts";
import type { ImageResolve, LlbCase, LlbRecord } from "./llb-record.ts";

export const HOST: Platform = { os: "linux", architecture: "amd64" };
const COMMIT_SECONDS = 1_700_000_001n;
const MODIFIED_SECONDS = 1_700_000_002n;

/** What an image that the record does not know comes to: the record's resolver said so. */
class UnknownImageError extends Error {
  readonly code = "not-found";
  readonly retryable = false;
}

/** Answers a frontend as the recording did: with the images of the record and the files of the case. */
export function recordedGateway({ case: input, result }: LlbRecord): Gateway {
  return {
    resolveImage: async (ref, options) => resolve(ref, options, { case: input, result }),
    solve: async (definition) => filesOf(definition, input),
    sourceTime: async (definition) => timeOf(sourceOf(definition)),
  };
}

function resolve(ref: string, { platform, logName }: ResolveImageOptions, { case: input, result }: LlbRecord): ResolvedImage {
  const wanted = formatPlatform(platform);
  const override = input.images?.[`${ref}|${wanted}`] ?? input.images?.[ref];
  if (override?.error !== undefined) throw new UnknownImageError(override.error);
  const ofRef: readonly ImageResolve[] = (result.imageResolves ?? []).filter((image) => image.ref === ref);
  const ofPlatform = ofRef.filter((one) => samePlatform(one.platform, wanted));
  // Records hold what the build asked for; a check of all stages asks for more.
  const image = ofPlatform.find((one) => one.logName === logName) ?? ofPlatform[0] ?? stubImage(ref, platform, override?.config);
  if (image.error !== undefined) throw new UnknownImageError(image.error);
  const digest = image.digest === undefined || image.digest === "" ? undefined : parseDigest(image.digest);
  return { ref: override?.ref ?? ref, digest, config: Buffer.from(JSON.stringify(image.config)) };
}

function timeOf(identifier: string): bigint | undefined {
  if (identifier.startsWith("git://")) return COMMIT_SECONDS;
  return /^https?:/.test(identifier) ? MODIFIED_SECONDS : undefined;
}

function samePlatform(recorded: string, wanted: string): boolean {
  return recorded === "" || recorded === wanted || formatPlatform(normalizePlatform(parsePlatform(recorded, HOST))) === wanted;
}

function filesOf(definition: Definition, input: LlbCase): GatewayResult {
  const files = contentOf(sourceOf(definition), input);
  return { readFile: async (path) => files.get(path) };
}

function sourceOf(definition: Definition): string {
  const [vertex] = loadGraph(definition).vertices.values();
  return vertex?.op.op.case === "source" ? vertex.op.op.value.identifier : "";
}

function contentOf(identifier: string, input: LlbCase): ReadonlyMap<string, Uint8Array> {
  const local = /^local:\/\/(.*)$/.exec(identifier)?.[1];
  const given = Object.entries(input.files?.[local ?? ""] ?? {}).map(([path, text]) => [path, Buffer.from(text)] as const);
  const dockerfile = dockerfileOf(input);
  if (local === "dockerfile") return new Map([[input.opts?.["filename"] ?? "Dockerfile", dockerfile], ...given]);
  if (local !== undefined) return new Map([...(local === "context" && input.dockerignore !== undefined ? [[".dockerignore", Buffer.from(input.dockerignore)] as const] : []), ...given]);
  return new Map([[identifier.startsWith("git://") ? (input.opts?.["filename"] ?? "Dockerfile") : "context", dockerfile]]);
}

function dockerfileOf({ dockerfile = "", dockerfileB64 }: LlbCase): Buffer {
  return dockerfileB64 === undefined ? Buffer.from(dockerfile) : Buffer.from(dockerfileB64, "base64");
}

