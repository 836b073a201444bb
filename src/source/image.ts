import type { ByteStream } from "../content/blob-store.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf, parseDigest, type Digest } from "../content/digest.ts";
import { collectFetched } from "../content/from-another.ts";
import type { Descriptor } from "../oci/descriptor.ts";
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
import { parseImageFacts, parseImageIndex, parseImageManifest, type ImageFacts } from "./image-documents.ts";
import { SourceError } from "./source-error.ts";

/** Manifests and configurations are held in memory whole; the distribution spec has everyone expect up to 4 MB. */
const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;

/** Indexes within indexes. Nobody is known to nest them more than twice. */
const INDEX_DEPTH_MAX = 16;

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
  /** What passes on the bytes of a layer that is fetched, and may look at them. */
  readonly passing: (descriptor: Descriptor, bytes: ByteStream) => ByteStream;
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
    return await this.#document(descriptor, (fetchSignal) => collectFetched(() => repository.blob(descriptor, fetchSignal), STATEMENT_BYTES_MAX), signal);
  }

  async #pin(reference: Reference, platform: Platform, signal: AbortSignal): Promise<PinnedImage> {
    const repository = await this.#services.open(reference, signal);
    const root = await this.#root(reference, repository, signal);
    const { descriptor, attestation, isHardenedByDocker } = await this.#choose(root, platform, { reference, repository }, signal);
    const what = formatReference(reference);
    if (!isManifest(descriptor.mediaType)) throw new SourceError("not-found", `${what}: ${notAnImage(descriptor.mediaType)}`);
    // The digest was checked; what it says is the registry's word for an image.
    const manifest = parseImageManifest(await this.#document(descriptor, async (fetchSignal) => (await repository.manifest(descriptor.digest, fetchSignal)).bytes, signal), descriptor, what);
    const config = await this.#document(manifest.config, (fetchSignal) => collectFetched(() => repository.blob(manifest.config, fetchSignal), DOCUMENT_BYTES_MAX), signal);
    const facts = parseImageFacts(config, manifest);
    // An index that leaves it to the configuration: only that tells.
    if (descriptor !== root && descriptor.platform === undefined && !(facts.platform !== undefined && runnablePlatforms(platform).matches(facts.platform))) throw nothingFor(reference, platform, [facts.platform]);
    const chain = layerOrigins(manifest, facts, { ...this.#services, reference, repository }).map((origin) => new ImageLayer(origin, this.#services.layers));
    this.#services.onLayers(chain);
    return { reference, digest: root.digest, manifestDigest: descriptor.digest, manifest, config, chain, attestation, isHardenedByDocker };
  }

  async #root(reference: Reference, repository: ImageRepository, signal: AbortSignal): Promise<Descriptor> {
    const isOurs = reference.digest === undefined || reference.digest.startsWith("sha256:");
    const stored = reference.digest === undefined || !isOurs ? undefined : await this.#stored(parseDigest(reference.digest), signal);
    if (stored !== undefined) return stored;
    const root = await repository.resolve(reference.digest ?? reference.tag ?? "latest", signal);
    if (root === undefined) throw new SourceError("not-found", `${formatReference(reference)}: not found`);
    if (!isOurs) throw new SourceError("unsupported", `${formatReference(reference)}: only digests of sha256 can be checked`);
    return root;
  }

  /** A pinned reference that was read before needs no network. */
  async #stored(digest: Digest, signal: AbortSignal): Promise<Descriptor | undefined> {
    const size = await this.#services.blobs.sizeBytes(digest);
    if (size === undefined || size > DOCUMENT_BYTES_MAX) return undefined;
    const { mediaType } = parseDocument<{ mediaType?: string }>(await collectBytes(this.#services.blobs.read(digest, signal), DOCUMENT_BYTES_MAX));
    return mediaType === undefined ? undefined : { mediaType, digest, size };
  }

  /** Follows indexes to the manifest that serves best. */
  async #choose(root: Descriptor, platform: Platform, { reference, repository }: Pick<Origin, "reference" | "repository">, signal: AbortSignal): Promise<Chosen> {
    let chosen: Chosen = { descriptor: root, attestation: undefined, isHardenedByDocker: false };
    for (let depth = 0; isIndex(chosen.descriptor.mediaType); depth++) {
      const what = formatReference(reference);
      if (depth === INDEX_DEPTH_MAX) throw new SourceError("corrupt", `${what}: indexes nested deeper than ${INDEX_DEPTH_MAX}`);
      const { descriptor } = chosen;
      const bytes = await this.#document(descriptor, async (fetchSignal) => (await repository.manifest(descriptor.digest, fetchSignal)).bytes, signal);
      chosen = chooseFrom(parseImageIndex(bytes, descriptor, what), platform, reference);
    }
    return chosen;
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

type Chosen = Pick<PinnedImage, "attestation" | "isHardenedByDocker"> & { readonly descriptor: Descriptor };

/** One without a platform serves if nothing better does: what it is then, its configuration says, or the index that it is. */
function chooseFrom(index: ImageIndex, platform: Platform, reference: Reference): Chosen {
  const entries = index.manifests.filter(({ mediaType, annotations }) => (isManifest(mediaType) || isIndex(mediaType)) && annotations?.["vnd.docker.reference.type"] === undefined);
  const named = entries.filter((entry): entry is Descriptor & { readonly platform: Platform } => entry.platform !== undefined);
  const chosen = bestPlatformMatch(runnablePlatforms(platform), named, (entry) => entry.platform) ?? entries.find((entry) => entry.platform === undefined);
  if (chosen === undefined) throw nothingFor(reference, platform, named.map((entry) => entry.platform));
  const isAbout = ({ annotations }: Descriptor): boolean => annotations?.["vnd.docker.reference.type"] === "attestation-manifest" && annotations["vnd.docker.reference.digest"] === chosen.digest;
  return { descriptor: chosen, attestation: index.manifests.find(isAbout), isHardenedByDocker: isHardened(index) };
}

function nothingFor(reference: Reference, platform: Platform, found: ReadonlyArray<Platform | undefined>): SourceError {
  const there = found.map((each) => (each === undefined ? "unknown" : formatPlatform(each))).join(", ");
  return new SourceError("not-found", `${formatReference(reference)}: no match for platform in manifest: not found (wanted ${formatPlatform(platform)}, there is ${there === "" ? "nothing" : there})`);
}

/** BuildKit's words for what Docker once had. */
function notAnImage(mediaType: string): string {
  if (mediaType !== "application/vnd.docker.distribution.manifest.v1+prettyjws") return `is no image, but ${mediaType}`;
  return "support Docker Image manifest version 2, schema 1 has been removed. More information at https://docs.docker.com/go/deprecated-image-specs/";
}

/** As Docker marks them. */
function isHardened({ manifests, annotations }: ImageIndex): boolean {
  return (annotations?.["org.opencontainers.image.title"] ?? "").startsWith("dhi/") && manifests.every((each) => (each.annotations?.["com.docker.dhi.build.id"] ?? "") !== "");
}

function refuseBytes(descriptor: Descriptor): never {
  throw new SourceError("corrupt", `${descriptor.digest}: the registry sent other bytes than this digest names`);
}

interface Origin extends Pick<ImageSourceServices, "mountable" | "passing"> {
  readonly reference: Reference;
  readonly repository: ImageRepository;
}

function layerOrigins(manifest: Manifest, { diffIds }: ImageFacts, { reference, repository, mountable, passing }: Origin): LayerOrigin[] {
  if (diffIds.length !== manifest.layers.length) {
    throw new SourceError("corrupt", `${formatReference(reference)}: the manifest has ${manifest.layers.length} layers, its configuration ${diffIds.length}`);
  }
  return diffIds.flatMap((diffId, i) => {
    const descriptor = manifest.layers[i];
    return descriptor === undefined ? [] : { diffId, descriptor, repository: mountable ? repositoryName(reference) : undefined, fetch: (signal: AbortSignal) => passing(descriptor, repository.blob(descriptor, signal)) };
  });
}

function parseDocument<T>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes).toString("utf8")) as T;
}
