import { InvalidDigestError, parseDigest, type DiffId } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import type { Platform } from "../oci/platform.ts";
import { SourceError } from "./source-error.ts";

type Table = Readonly<Record<string, unknown>>;

/** What a configuration says that layers and platforms are looked up by. */
export interface ImageFacts {
  readonly diffIds: readonly DiffId[];
  /** Undefined where it names none. */
  readonly platform: Platform | undefined;
}

/** What a manifest may name as its configuration, by BuildKit's list; another one is the configuration of something else. */
const CONFIG_TYPES: ReadonlySet<string> = new Set([MEDIA_TYPE.ociConfig, MEDIA_TYPE.dockerConfig, "application/octet-stream", MEDIA_TYPE.inToto]);

/** Reads what a registry sent as an image's manifest. Throws SourceError. */
export function parseImageManifest(bytes: Uint8Array, { digest, mediaType }: Descriptor, what: string): Manifest {
  const manifest = parseTable(bytes, what);
  // One that could be taken for either is taken for something else by the next reader.
  if (manifest["manifests"] !== undefined) throw new SourceError("corrupt", `${what}: manifest: invalid desc ${digest}: media-type: expected manifest but found index (${mediaType})`);
  const config = descriptorOf(manifest["config"], `${what}: config`);
  if (!CONFIG_TYPES.has(config.mediaType)) throw new SourceError("not-found", `${what}: encountered unknown type ${config.mediaType}; children may not be fetched`);
  return { ...(manifest as unknown as Manifest), config, layers: listOf(manifest["layers"], `${what}: layers`).map((entry) => descriptorOf(entry, `${what}: layers`)) };
}

export function parseImageIndex(bytes: Uint8Array, { digest, mediaType }: Descriptor, what: string): ImageIndex {
  const index = parseTable(bytes, what);
  if (index["config"] !== undefined || index["layers"] !== undefined) throw new SourceError("corrupt", `${what}: manifest: invalid desc ${digest}: media-type: expected index but found manifest (${mediaType})`);
  const entries = listOf(index["manifests"], `${what}: manifests`).filter((entry) => entry !== null);
  return { ...(index as unknown as ImageIndex), manifests: entries.map((entry) => descriptorOf(entry, `${what}: manifests`)) };
}

/** The rest of a configuration is read where it is used. */
export function parseImageFacts(bytes: Uint8Array, { layers }: Manifest): ImageFacts {
  const what = "failed to parse image config";
  const { rootfs, os, architecture, variant } = parseTable(bytes, what);
  const ids = listOf(tableOf(rootfs ?? {}, `${what}: rootfs`)["diff_ids"], `${what}: rootfs.diff_ids`);
  const platform = typeof os === "string" && typeof architecture === "string" && architecture !== "" ? { os, architecture, ...(typeof variant === "string" ? { variant } : {}) } : undefined;
  return { platform, diffIds: ids.map((id, i) => diffIdOf(id, layers[i])) };
}

function diffIdOf(id: unknown, layer: Descriptor | undefined): DiffId {
  try {
    // Same form as any digest; the type says that it names uncompressed bytes.
    return parseDigest(String(id)) as string as DiffId;
  } catch (cause) {
    if (!(cause instanceof InvalidDigestError)) throw cause;
    throw new SourceError("corrupt", `failed to parse diffID ${JSON.stringify(id)} for ${layer?.digest ?? "no layer"}: invalid checksum digest format`, { cause });
  }
}

function descriptorOf(value: unknown, what: string): Descriptor {
  const { platform, ...entry } = tableOf(value, what);
  const { mediaType = "", digest, size = 0 } = entry;
  if (typeof mediaType !== "string" || typeof digest !== "string" || typeof size !== "number") throw new SourceError("corrupt", `${what}: a descriptor without media type, digest or size`);
  try {
    return { ...entry, mediaType, digest: parseDigest(digest), size, ...(platform === undefined || platform === null ? {} : { platform: platformOf(platform, `${what}: platform`) }) };
  } catch (cause) {
    if (!(cause instanceof InvalidDigestError)) throw cause;
    throw new SourceError("corrupt", `${what}: ${cause.message}`, { cause });
  }
}

function platformOf(value: unknown, what: string): Platform {
  const { os = "", architecture = "", ...rest } = tableOf(value, what);
  if (typeof os !== "string" || typeof architecture !== "string") throw new SourceError("corrupt", `${what}: names that are no text`);
  return { ...rest, os, architecture };
}

function parseTable(bytes: Uint8Array, what: string): Table {
  try {
    return tableOf(JSON.parse(Buffer.from(bytes).toString("utf8")), what);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new SourceError("corrupt", `${what}: ${cause.message}`, { cause });
  }
}

function tableOf(value: unknown, what: string): Table {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new SourceError("corrupt", `${what}: no JSON object`);
  return value as Table;
}

/** What is not there, or null, is empty. */
function listOf(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new SourceError("corrupt", `${what}: no list`);
  return value;
}
