import { InvalidDigestError, parseDigest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { ImageError } from "./image-error.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Parses what a registry sent; `what` names it in errors. Throws ImageError "corrupt". */
export function parseIndex(bytes: Uint8Array, what: string): ImageIndex {
  const index = parseObject(bytes, what);
  if (!Array.isArray(index["manifests"])) throw new ImageError("corrupt", `${what}: an index without manifests`);
  const manifests = index["manifests"].map((entry: unknown) => descriptorOf(entry, what));
  return { ...(index as unknown as ImageIndex), manifests };
}

export function parseManifest(bytes: Uint8Array, what: string): Manifest {
  const manifest = parseObject(bytes, what);
  const layers = manifest["layers"] ?? [];
  if (!Array.isArray(layers)) throw new ImageError("corrupt", `${what}: a manifest whose layers are no list`);
  return {
    ...(manifest as unknown as Manifest),
    config: descriptorOf(manifest["config"], what),
    layers: layers.map((entry: unknown) => descriptorOf(entry, what)),
  };
}

/** Members are read by name where they are used; only that it is an object is certain. */
export function parseConfig(bytes: Uint8Array, what: string): ImageConfig {
  return parseObject(bytes, what) as unknown as ImageConfig;
}

export function parseObject(bytes: Uint8Array, what: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (cause) {
    throw new ImageError("corrupt", `${what}: no JSON`, { cause });
  }
  if (!isObject(value)) throw new ImageError("corrupt", `${what}: no JSON object`);
  return value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A member that is an object, else an empty one. */
export function objectAt(parent: JsonObject, ...path: readonly string[]): JsonObject {
  let at: unknown = parent;
  for (const key of path) at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  return isObject(at) ? at : {};
}

/** A member that is a list, else an empty one. */
export function listAt(parent: JsonObject, key: string): readonly unknown[] {
  const value = Object.hasOwn(parent, key) ? parent[key] : undefined;
  return Array.isArray(value) ? value : [];
}

/** A member that is a text and not empty. */
export function textAt(parent: JsonObject, key: string): string | undefined {
  const value = Object.hasOwn(parent, key) ? parent[key] : undefined;
  return typeof value === "string" && value !== "" ? value : undefined;
}

function descriptorOf(value: unknown, what: string): Descriptor {
  if (!isObject(value)) throw new ImageError("corrupt", `${what}: a descriptor is missing`);
  const { mediaType, digest, size } = value;
  if (typeof mediaType !== "string" || typeof digest !== "string" || typeof size !== "number") {
    throw new ImageError("corrupt", `${what}: a descriptor without media type, digest or size`);
  }
  try {
    return { ...(value as unknown as Descriptor), digest: parseDigest(digest) };
  } catch (cause) {
    if (!(cause instanceof InvalidDigestError)) throw cause;
    throw new ImageError("corrupt", `${what}: ${cause.message}`, { cause });
  }
}
