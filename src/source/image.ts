import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf, parseDigest, type Digest, type DiffId } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { isIndex, isManifest } from "../oci/media-type.ts";
import { bestPlatformMatch, runnablePlatforms } from "../oci/platform-match.ts";
import { formatPlatform, type Platform } from "../oci/platform.ts";
import { formatReference, repositoryName, type Reference } from "../oci/reference.ts";
import type { Repository } from "../registry/repository.ts";
import { ImageLayer, type LayerOrigin } from "../snapshot/image-layer.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { FileBlobStore } from "../store/file-blob-store.ts";
import { SourceError } from "./source-error.ts";

/** Manifests and configurations are held in memory whole; the distribution spec has everyone expect up to 4 MB. */
const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;

/** A provenance of mode=max has the whole graph. */
const STATEMENT_BYTES_MAX = 40 * 1024 * 1024;

/** A repository as far as images are read from it: a registry's, or a layout on disk. */
export type ImageRepository = Pick<Repository, "resolve" | "manifest" | "blob" | "referrers">;

/** One platform's image, pinned: everything here follows from `digest`. */
export interface PinnedImage {
  readonly reference: Reference;
  /** Of the index where the reference names one, else of the manifest. */
  readonly digest: Digest;
  readonly manifestDigest: Digest;
  readonly manifest: Manifest;
  readonly config: Uint8Array;
  readonly chain: LayerChain;
  /** The manifest of statements that the index has about this image. Whether they are true is another matter. */
  readonly attestation: Descriptor | undefined;
  /** One of Docker's hardened images, of whose statements the index knows nothing. */
  readonly isHardenedByDocker: boolean;
}

/** A statement about an image, as it is stored. */
export interface ImageStatement {
  readonly predicateType: string;
  readonly bytes: Uint8Array;
}

export interface ImageSourceServices {
  readonly open: (reference: Reference, signal: AbortSignal) => Promise<ImageRepository>;
  readonly blobs: FileBlobStore;
  readonly layers: LayerStore;
  /** False where the repository is no registry that layers could be mounted from. */
  readonly mountable: boolean;
  /** Told of every layer that could be fetched from here on. */
  readonly onLayers: (layers: readonly ImageLayer[]) => void;
}

/** Images as inputs of one build: each reference is looked up once, and its layers are fetched only when looked into. */
export class ImageSource {
  readonly #services: ImageSourceServices;
  readonly #pinned = new Map<string, Promise<PinnedImage>>();

  constructor(services: ImageSourceServices) {
    this.#services = services;
  }

  /** Throws SourceError("not-found"), also when the image has nothing for the platform. */
  pin(reference: Reference, platform: Platform, signal: AbortSignal): Promise<PinnedImage> {
    const key = `${repositoryName(reference)} ${reference.digest ?? reference.tag ?? ""} ${formatPlatform(platform)}`;
    let pinned = this.#pinned.get(key);
    if (pinned === undefined) this.#pinned.set(key, (pinned = this.#pin(reference, platform, signal)));
    return pinned;
  }

  /** The statements of these kinds that the image's index has about it, in their order. */
  async statements({ reference, attestation }: PinnedImage, predicateTypes: readonly string[], signal: AbortSignal): Promise<readonly ImageStatement[]> {
    if (attestation === undefined) return [];
    const manifest = parseDocument<Partial<Manifest>>(await this.manifest(reference, attestation, signal));
    const found: ImageStatement[] = [];
    for (const layer of manifest.layers ?? []) {
      const predicateType = layer.annotations?.["in-toto.io/predicate-type"];
      if (predicateType === undefined || !predicateTypes.includes(predicateType)) continue;
      found.push({ predicateType, bytes: await this.blob(reference, layer, signal) });
    }
    return found;
  }

  /** What says of itself that it is about a manifest beside the image. */
  async referrers(reference: Reference, digest: Digest, signal: AbortSignal): Promise<readonly Descriptor[]> {
    return await (await this.#services.open(reference, signal)).referrers(digest, signal);
  }

  /** A manifest beside the image: its bytes, checked. */
  async manifest(reference: Reference, descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array> {
    const repository = await this.#services.open(reference, signal);
    return await this.#document(descriptor, async (fetchSignal) => (await repository.manifest(descriptor.digest, fetchSignal)).bytes, signal);
  }

  /** A statement or a signature: its bytes, checked. */
  async blob(reference: Reference, descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array> {
    const repository = await this.#services.open(reference, signal);
    return await this.#document(descriptor, (fetchSignal) => collectBytes(repository.blob(descriptor, fetchSignal), STATEMENT_BYTES_MAX), signal);
  }

  async #pin(reference: Reference, platform: Platform, signal: AbortSignal): Promise<PinnedImage> {
    const repository = await this.#services.open(reference, signal);
    const root = await this.#root(reference, repository, signal);
    const { descriptor, attestation, isHardenedByDocker } = isIndex(root.mediaType) ? await this.#choose(root, platform, { reference, repository }, signal) : { descriptor: root, attestation: undefined, isHardenedByDocker: false };
    if (!isManifest(descriptor.mediaType)) throw new SourceError("not-found", `${formatReference(reference)}: is no image, but ${descriptor.mediaType}`);
    // The digest was checked; what it says is the registry's word for an image.
    const manifest = parseDocument<Manifest>(await this.#document(descriptor, async (fetchSignal) => (await repository.manifest(descriptor.digest, fetchSignal)).bytes, signal));
    const config = await this.#document(manifest.config, (fetchSignal) => collectBytes(repository.blob(manifest.config, fetchSignal), DOCUMENT_BYTES_MAX), signal);
    const chain = layerOrigins(manifest, config, { reference, repository, mountable: this.#services.mountable }).map((origin) => new ImageLayer(origin, this.#services.layers));
    this.#services.onLayers(chain);
    return { reference, digest: root.digest, manifestDigest: descriptor.digest, manifest, config, chain, attestation, isHardenedByDocker };
  }

  async #root(reference: Reference, repository: ImageRepository, signal: AbortSignal): Promise<Descriptor> {
    const stored = reference.digest === undefined ? undefined : await this.#stored(parseDigest(reference.digest), signal);
    if (stored !== undefined) return stored;
    const root = await repository.resolve(reference.digest ?? reference.tag ?? "latest", signal);
    if (root === undefined) throw new SourceError("not-found", `${formatReference(reference)}: not found`);
    return root;
  }

  /** A pinned reference that was read before needs no network. */
  async #stored(digest: Digest, signal: AbortSignal): Promise<Descriptor | undefined> {
    const size = await this.#services.blobs.sizeBytes(digest);
    if (size === undefined || size > DOCUMENT_BYTES_MAX) return undefined;
    const { mediaType } = parseDocument<{ mediaType?: string }>(await collectBytes(this.#services.blobs.read(digest, signal), DOCUMENT_BYTES_MAX));
    return mediaType === undefined ? undefined : { mediaType, digest, size };
  }

  async #choose(root: Descriptor, platform: Platform, { reference, repository }: { reference: Reference; repository: ImageRepository }, signal: AbortSignal): Promise<Pick<PinnedImage, "attestation" | "isHardenedByDocker"> & { readonly descriptor: Descriptor }> {
    const index = parseDocument<ImageIndex>(await this.#document(root, async (fetchSignal) => (await repository.manifest(root.digest, fetchSignal)).bytes, signal));
    const images = index.manifests.filter(({ mediaType, annotations }) => isManifest(mediaType) && annotations?.["vnd.docker.reference.type"] === undefined);
    // A manifest that names no platform is what its configuration says; the only one there is is taken at its word.
    const chosen = bestPlatformMatch(runnablePlatforms(platform), images, (image) => image.platform ?? platform);
    if (chosen === undefined) {
      const there = images.map((image) => (image.platform === undefined ? "unknown" : formatPlatform(image.platform))).join(", ");
      throw new SourceError("not-found", `${formatReference(reference)}: no match for platform in manifest: not found (wanted ${formatPlatform(platform)}, there is ${there === "" ? "nothing" : there})`);
    }
    const isAbout = ({ annotations }: Descriptor): boolean => annotations?.["vnd.docker.reference.type"] === "attestation-manifest" && annotations["vnd.docker.reference.digest"] === chosen.digest;
    return { descriptor: chosen, attestation: index.manifests.find(isAbout), isHardenedByDocker: isHardened(index) };
  }

  /** Reads a small document from the store, or fetches and keeps it. */
  async #document(descriptor: Descriptor, fetch: (signal: AbortSignal) => Promise<Uint8Array>, signal: AbortSignal): Promise<Uint8Array> {
    const { blobs } = this.#services;
    if ((await blobs.missing(new Set([descriptor.digest]), signal)).size === 0) return await collectBytes(blobs.read(descriptor.digest, signal), STATEMENT_BYTES_MAX);
    const bytes = await fetch(signal);
    await blobs.write(digestOf(bytes) === descriptor.digest ? descriptor.digest : refuseBytes(descriptor), bytesOf(bytes), signal);
    return bytes;
  }
}

/** As Docker marks them. */
function isHardened({ manifests, annotations }: ImageIndex): boolean {
  return (annotations?.["org.opencontainers.image.title"] ?? "").startsWith("dhi/") && manifests.every((each) => (each.annotations?.["com.docker.dhi.build.id"] ?? "") !== "");
}

function refuseBytes(descriptor: Descriptor): never {
  throw new SourceError("corrupt", `${descriptor.digest}: the registry sent other bytes than this digest names`);
}

interface Origin {
  readonly reference: Reference;
  readonly repository: ImageRepository;
  readonly mountable: boolean;
}

function layerOrigins(manifest: Manifest, config: Uint8Array, { reference, repository, mountable }: Origin): LayerOrigin[] {
  const diffIds = parseDocument<ImageConfig>(config).rootfs.diff_ids ?? [];
  if (diffIds.length !== manifest.layers.length) {
    throw new SourceError("corrupt", `${formatReference(reference)}: the manifest has ${manifest.layers.length} layers, its configuration ${diffIds.length}`);
  }
  return manifest.layers.map((descriptor, i) => ({
    // Same form as any digest; the type says that it names uncompressed bytes.
    diffId: parseDigest(diffIds[i] ?? "") as string as DiffId,
    descriptor,
    repository: mountable ? repositoryName(reference) : undefined,
    fetch: (signal) => repository.blob(descriptor, signal),
  }));
}

function parseDocument<T>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes).toString("utf8")) as T;
}
