import { parseDigest } from "../content/digest.ts";
import { collectFetched } from "../content/from-another.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { isIndex, isManifest } from "../oci/media-type.ts";
import type { Platform } from "../oci/platform.ts";
import { bestPlatformMatch, type PlatformMatcher } from "../oci/platform-match.ts";
import { protocolError } from "./refusal.ts";
import { RegistryError } from "./registry-error.ts";
import type { FetchedManifest, Repository } from "./repository.ts";

/** An image's configuration is held in memory whole; histories of hundreds of steps stay far below. */
const CONFIG_SIZE_BYTES_MAX = 8 * 1024 * 1024;
/** Indexes within indexes. Nobody is known to nest them more than twice. */
const INDEX_DEPTH_MAX = 4;

/** What names an image, from the tag to the configuration. Its layers are left where they are. */
export interface FetchedImage {
  /** What the tag or digest named: an index, or the manifest itself. */
  readonly root: FetchedManifest;
  /** Every index on the way to the manifest, the root first. */
  readonly indexes: readonly FetchedManifest[];
  readonly manifest: FetchedManifest;
  readonly value: Manifest;
  readonly config: Uint8Array;
}

/** Follows indexes to the manifest that serves best. Rejects with code "not-found" where there is no image, or none that serves. */
export async function fetchImage(repository: Repository, tagOrDigest: string, matcher: PlatformMatcher, signal: AbortSignal): Promise<FetchedImage> {
  const what = `${repository.name}${tagOrDigest.includes(":") ? "@" : ":"}${tagOrDigest}`;
  const found = await repository.resolve(tagOrDigest, signal);
  if (found === undefined) throw new RegistryError("not-found", `${what}: not found`, { status: 404 });
  const indexes: FetchedManifest[] = [];
  let current = await repository.manifest(found.digest, signal);
  while (isIndex(current.descriptor.mediaType)) {
    if (indexes.push(current) > INDEX_DEPTH_MAX) throw protocolError({ what }, `indexes nested deeper than ${INDEX_DEPTH_MAX}`);
    const chosen = choose(current, matcher);
    if (chosen === undefined) throw new RegistryError("not-found", `${what}: no match for platform in manifest: not found`);
    current = await repository.manifest(parseDigest(chosen.digest), signal);
  }
  if (!isManifest(current.descriptor.mediaType)) throw protocolError({ what }, `not an image: ${current.descriptor.mediaType}`);
  const value = parseManifest(current, what);
  const config = await collectFetched(() => repository.blob({ ...value.config, digest: parseDigest(value.config.digest) }, signal), CONFIG_SIZE_BYTES_MAX);
  return { root: indexes[0] ?? current, indexes, manifest: current, value, config };
}

/** Attestations have a platform that is none, and so never match. An entry without a platform serves if nothing better does. */
function choose(index: FetchedManifest, matcher: PlatformMatcher): Descriptor | undefined {
  const { manifests } = JSON.parse(Buffer.from(index.bytes).toString("utf8")) as Partial<ImageIndex>;
  const entries = (manifests ?? []).filter(({ mediaType }) => isManifest(mediaType) || isIndex(mediaType));
  const named = entries.filter((entry): entry is Descriptor & { readonly platform: Platform } => entry.platform !== undefined);
  return bestPlatformMatch(matcher, named, ({ platform }) => platform) ?? entries.find(({ platform }) => platform === undefined);
}

function parseManifest({ bytes }: FetchedManifest, what: string): Manifest {
  const value = JSON.parse(Buffer.from(bytes).toString("utf8")) as Partial<Manifest>;
  // Builders in Go write null for no layers.
  const layers: unknown = value.layers === null ? [] : value.layers;
  if (typeof value.config?.digest !== "string" || typeof value.config.size !== "number" || !Array.isArray(layers)) {
    throw protocolError({ what }, "a manifest without configuration or layers");
  }
  return { ...(value as Manifest), layers };
}
