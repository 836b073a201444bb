import { readFile } from "node:fs/promises";
import { join, normalize } from "node:path";
import { InvalidDigestError, parseDigest, type Digest } from "../content/digest.ts";
import type { Gateway, GatewayResult, ResolvedImage } from "../frontend/gateway.ts";
import type { Definition } from "../llb/definition.ts";
import { loadGraph } from "../llb/graph.ts";
import { formatPlatform, type Platform } from "../oci/platform.ts";
import { familiarString, parseReference } from "../oci/reference.ts";
import type { BuildPlan } from "./build-plan.ts";
import { directoryPaths } from "./directories.ts";
import { RequestError } from "./request-error.ts";

/**
 * Images by reference, short or full; `REF|linux/arm64` is for that platform alone. Undefined digest: none is put into
 * the graph. `config` is the image configuration as an object.
 */
export type ImageTable = Readonly<Record<string, { readonly digest?: string; readonly config?: unknown }>>;

/** Answers a frontend from the context's directories and a table of images: nothing else is asked, and nothing is run. */
export function offlineGateway(plan: BuildPlan, images: ImageTable, onRead: (path: string, bytes: Uint8Array) => void): Gateway {
  return {
    resolveImage: async (ref, { platform }) => findImage(ref, platform, images),
    solve: async (definition) => localFiles(definition, plan, onRead),
  };
}

function findImage(ref: string, platform: Platform, images: ImageTable): ResolvedImage {
  const names = [ref, familiarString(parseReference(ref)), familiarString(parseReference(ref)).replace(/:latest$/, "")];
  const keys = names.flatMap((name) => [`${name}|${formatPlatform(platform)}`]).concat(names);
  const key = keys.find((name) => Object.hasOwn(images, name));
  const image = key === undefined ? undefined : images[key];
  if (image === undefined) throw new RequestError("missing-input", `${ref} is not among the images that were given`);
  if (typeof image.config !== "object" || image.config === null) throw new RequestError("usage", `${ref}: \`config\` must be the image configuration, an object`);
  return { ref, digest: imageDigest(ref, image.digest), config: Buffer.from(JSON.stringify(image.config)) };
}

function imageDigest(ref: string, text: string | undefined): Digest | undefined {
  if (text === undefined || text === "") return undefined;
  try {
    return parseDigest(text);
  } catch (error) {
    if (error instanceof InvalidDigestError) throw new RequestError("usage", `${ref}: ${error.message}`);
    throw error;
  }
}

function localFiles(definition: Definition, plan: BuildPlan, onRead: (path: string, bytes: Uint8Array) => void): GatewayResult {
  const [vertex] = loadGraph(definition).vertices.values();
  const identifier = vertex?.op.op.case === "source" ? vertex.op.op.value.identifier : "";
  const [, name] = /^local:\/\/(.*)$/s.exec(identifier) ?? [];
  if (name === undefined) throw new RequestError("usage", `${identifier} cannot be read without the network`);
  if (name === "dockerfile" && plan.dockerfile.kind === "remote") throw new RequestError("usage", `${plan.dockerfile.url} cannot be read without the network`);
  if (name === "dockerfile" && plan.dockerfile.kind === "text") {
    const { text } = plan.dockerfile;
    return { readFile: async (path) => (path === "Dockerfile" ? noted(path, text, onRead) : undefined) };
  }
  const directory = directoryPaths(plan).get(name);
  if (directory === undefined) throw new RequestError("missing-input", `no directory named ${name} was given`);
  return { readFile: async (path, signal) => noted(path, await readIfThere(join(directory, normalize(`/${path}`)), signal), onRead) };
}

function noted(path: string, bytes: Uint8Array | undefined, onRead: (path: string, bytes: Uint8Array) => void): Uint8Array | undefined {
  if (bytes !== undefined) onRead(path, bytes);
  return bytes;
}

async function readIfThere(path: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path, { signal });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    throw error;
  }
}
