import type { Digest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import type { ImageIndex } from "../oci/manifest.ts";
import { isIndex, isManifest } from "../oci/media-type.ts";
import { formatPlatform, normalizePlatform, type Platform } from "../oci/platform.ts";
import type { FetchedManifest } from "../registry/repository.ts";
import type { ImageSource } from "../registry/oci-layout.ts";
import { parseIndex } from "./document.ts";
import { ImageError } from "./image-error.ts";
import { platformImage, type PlatformImage } from "./platform-image.ts";

/** An index within an index is allowed; one that nests without end is not. */
const INDEX_DEPTH_MAX = 4;
/** BuildKit's annotations on an index entry that is about another, newest name last. */
const REFERENCE_ANNOTATIONS = ["com.docker.reference.digest", "vnd.docker.reference.digest"] as const;

/** An image and what is recorded of it, each part fetched when it is first asked for, once, and checked against its digest. */
export interface ImageRecord {
  /** Of the index or of the only manifest. */
  readonly root: Descriptor;
  /** As the registry sent them. */
  readonly bytes: Uint8Array;
  /** Undefined where the root is a manifest. */
  readonly index: ImageIndex | undefined;
  /** By name: `linux/amd64`. Of two entries for one platform, the later one. */
  platforms(signal: AbortSignal): Promise<ReadonlyMap<string, PlatformImage>>;
}

/** Reads the root only. */
export async function readImageRecord(source: ImageSource, root: Descriptor, signal: AbortSignal): Promise<ImageRecord> {
  const fetched = await source.manifest(root.digest, signal);
  const known = { ...root, ...fetched.descriptor };
  if (!isIndex(known.mediaType) && !isManifest(known.mediaType)) throw new ImageError("corrupt", `${source.name}@${known.digest}: no image, but ${known.mediaType}`);
  const reader = new Reader(source, fetched);
  let platforms: ReturnType<Reader["platforms"]> | undefined;
  return {
    root: known,
    bytes: fetched.bytes,
    index: isIndex(known.mediaType) ? parseIndex(fetched.bytes, `${source.name}@${known.digest}`) : undefined,
    platforms: (inner) => (platforms ??= reader.platforms(known, inner)),
  };
}

/** The digest of the manifest that an entry of an index is about; undefined for an entry that stands for itself. */
export function referenceOf({ annotations }: Descriptor): string | undefined {
  return REFERENCE_ANNOTATIONS.map((key) => annotations?.[key]).find((digest) => digest !== undefined);
}

interface Found {
  readonly images: Descriptor[];
  readonly references: Descriptor[];
}

class Reader {
  readonly source: ImageSource;
  readonly #manifests = new Map<Digest, Promise<FetchedManifest>>();

  constructor(source: ImageSource, root: FetchedManifest) {
    this.source = source;
    this.#manifests.set(root.descriptor.digest, Promise.resolve(root));
  }

  async platforms(root: Descriptor, signal: AbortSignal): Promise<ReadonlyMap<string, PlatformImage>> {
    const found: Found = { images: [], references: [] };
    await this.#collect(root, found, { depth: 0, signal });
    const named = await Promise.all(
      found.images.map(async (descriptor) => {
        const image = platformImage(descriptor, found.references.filter((reference) => referenceOf(reference) === descriptor.digest), this);
        const platform = descriptor.platform ?? platformOf(await image.config(signal));
        return [formatPlatform(normalizePlatform(platform)), image] as const;
      }),
    );
    return new Map(named.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  }

  async fetch(digest: Digest, signal: AbortSignal): Promise<FetchedManifest> {
    const fetching = this.#manifests.get(digest) ?? this.source.manifest(digest, signal);
    this.#manifests.set(digest, fetching);
    return await fetching;
  }

  async #collect(descriptor: Descriptor, found: Found, { depth, signal }: { readonly depth: number; readonly signal: AbortSignal }): Promise<void> {
    if (isManifest(descriptor.mediaType)) {
      (referenceOf(descriptor) === undefined ? found.images : found.references).push(descriptor);
      return;
    }
    if (!isIndex(descriptor.mediaType)) return;
    const what = `${this.source.name}@${descriptor.digest}`;
    if (depth === INDEX_DEPTH_MAX) throw new ImageError("corrupt", `${what}: indexes nested deeper than ${INDEX_DEPTH_MAX}`);
    const { bytes } = await this.fetch(descriptor.digest, signal);
    for (const entry of parseIndex(bytes, what).manifests) await this.#collect(entry, found, { depth: depth + 1, signal });
  }
}

function platformOf(config: ImageConfig): Platform {
  const { os = "", architecture = "", variant } = config as Partial<ImageConfig>;
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}
