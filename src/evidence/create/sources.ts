import { resolve } from "node:path";
import { collectBytes } from "../../content/bytes.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { Manifest } from "../../oci/manifest.ts";
import { isIndex, isManifest } from "../../oci/media-type.ts";
import { normalizePlatform, type Platform } from "../../oci/platform.ts";
import { openOciLayout, type ImageSource, type OciLayout } from "../../registry/oci-layout.ts";
import { parseManifest, parseObject, textAt } from "../../trace/document.ts";
import type { ImageSources } from "../../trace/open-image.ts";
import { EvidenceError } from "../evidence-error.ts";
import type { SourceImage, SourcePlace } from "./combine.ts";
import { atDigest, locationText, placeName, tagOrDigest, type Location } from "./location.ts";
import type { PartialDescriptor, SourceText } from "./source-text.ts";

const CONFIG_SIZE_BYTES_MAX = 8 * 1024 * 1024;

/** Opens repositories and layouts that images are read from; each once. */
export class SourcePlaces implements AsyncDisposable {
  readonly #client: ImageSources;
  readonly #cwd: string;
  readonly #layouts = new Map<string, Promise<OciLayout>>();

  constructor({ client, cwd }: { readonly client: ImageSources; readonly cwd: string }) {
    this.#client = client;
    this.#cwd = cwd;
  }

  async source(location: Location, signal: AbortSignal): Promise<ImageSource> {
    if (location.kind === "registry") return this.#client.repository(location.reference, "pull");
    const path = resolve(this.#cwd, location.layout.path);
    const opening = this.#layouts.get(path) ?? openOciLayout(path, signal);
    this.#layouts.set(path, opening);
    return await opening;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of await Promise.allSettled(this.#layouts.values())) if (opened.status === "fulfilled") await opened.value[Symbol.asyncDispose]();
  }
}

/**
 * Finds every source. A digest or a descriptor lies in the one repository that sources and tags speak of.
 * Throws EvidenceError "usage" where that is not one, "not-found"; RegistryError.
 */
export async function openSources(texts: readonly SourceText[], tags: readonly Location[], places: SourcePlaces, signal: AbortSignal): Promise<readonly SourceImage[]> {
  const named = texts.flatMap((text) => (text.kind === "reference" ? [text.location] : []));
  const repositories = new Set([...tags, ...named].map(placeName));
  if (repositories.size === 0) throw new EvidenceError("usage", "no repositories specified, please set a reference in tag or source");
  const [only] = repositories.size === 1 ? [...named, ...tags] : [];
  return await Promise.all(texts.map((text) => openSource(text, only, places, signal)));
}

async function openSource(text: SourceText, only: Location | undefined, places: SourcePlaces, signal: AbortSignal): Promise<SourceImage> {
  const location = text.kind === "reference" ? text.location : only;
  if (location === undefined) throw new EvidenceError("usage", `multiple repositories specified, cannot infer repository for ${JSON.stringify(text.text)}`);
  const source = await places.source(location, signal);
  const given: PartialDescriptor | undefined = text.kind === "reference" ? undefined : text.kind === "digest" ? { digest: text.digest } : text.descriptor;
  const at = given === undefined ? location : atDigest(location, given.digest);
  const found = await source.resolve(tagOrDigest(at), signal);
  if (found === undefined) throw new EvidenceError("not-found", `${locationText(at)}: not found`);
  const { bytes, descriptor } = await source.manifest(found.digest, signal);
  const merged = mergeDescriptors({ mediaType: descriptor.mediaType, digest: found.digest, size: bytes.byteLength }, given);
  const place = { location: given === undefined ? location : at, source };
  return { place, bytes, descriptor: await withPlatform(merged, bytes, place, signal) };
}

/** What a descriptor says counts before what the registry says, but not about the size. */
function mergeDescriptors(found: Descriptor, given: PartialDescriptor | undefined): Descriptor {
  if (given?.size !== undefined && given.size !== found.size) {
    throw new EvidenceError("usage", `invalid size mismatch for ${found.digest}, ${given.size} != ${found.size}`);
  }
  return { ...found, ...given };
}

async function withPlatform(descriptor: Descriptor, bytes: Uint8Array, place: SourcePlace, signal: AbortSignal): Promise<Descriptor> {
  const what = locationText(place.location);
  if (descriptor.mediaType.startsWith("application/vnd.docker.distribution.manifest.v1")) throw new EvidenceError("usage", "schema1 manifests are not allowed in manifest lists");
  if (isIndex(descriptor.mediaType)) return descriptor;
  if (!isManifest(descriptor.mediaType)) throw new EvidenceError("usage", `${what}: no image, but ${descriptor.mediaType}`);
  const { os = "", architecture = "", ...rest }: Partial<Platform> = descriptor.platform ?? {};
  if (os !== "" && architecture !== "") return descriptor;
  const config = await readConfig(parseManifest(bytes, what), place, signal);
  const { variant } = architecture === "" ? config : {};
  return {
    ...descriptor,
    platform: { ...(variant === undefined ? {} : { variant }), ...rest, os: os === "" ? config.os : os, architecture: architecture === "" ? config.architecture : architecture },
  };
}

async function readConfig({ config }: Manifest, { source }: SourcePlace, signal: AbortSignal): Promise<Platform> {
  const what = `${source.name}@${config.digest}`;
  if (config.size > CONFIG_SIZE_BYTES_MAX) throw new EvidenceError("usage", `${what}: ${config.size} bytes, more than ${CONFIG_SIZE_BYTES_MAX}`);
  const value = parseObject(await collectBytes(source.blob(config, signal), CONFIG_SIZE_BYTES_MAX), what);
  const variant = textAt(value, "variant");
  return normalizePlatform({ os: textAt(value, "os") ?? "", architecture: textAt(value, "architecture") ?? "", ...(variant === undefined ? {} : { variant }) });
}
