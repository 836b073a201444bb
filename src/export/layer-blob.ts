import { createHash } from "node:crypto";
import { estargz, type EstargzFacts } from "../archive/estargz.ts";
import { gzip } from "../archive/gzip.ts";
import { zstd } from "../archive/zstd.ts";
import type { Entry } from "../archive/entry.ts";
import type { Member } from "../archive/member.ts";
import { readTar } from "../archive/tar-reader.ts";
import { fitsPlainTime, writeTar } from "../archive/tar-writer.ts";
import { bytesOf } from "../content/bytes.ts";
import type { BlobStore, ByteStream, ChunkOwner } from "../content/blob-store.ts";
import type { DiffId } from "../content/digest.ts";
import { hashed } from "../content/hashed.ts";
import type { OnGrowing } from "../content/growing-blob.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { ESTARGZ_SIZE_ANNOTATION, estargzAnnotations, TOC_DIGEST_ANNOTATION } from "../oci/estargz-annotations.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { exportedEntry } from "../snapshot/exported-entry.ts";
import { ImageLayer, originOf, type LayerOrigin } from "../snapshot/image-layer.ts";
import { ImportedLayer } from "../snapshot/imported-layer.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import type { Layer } from "../snapshot/layer.ts";
import type { FileBlobStore, StoredBlob } from "../store/file-blob-store.ts";
import type { KnownBlob, LayerFacts } from "../store/layer-facts.ts";
import type { ConfigLayer } from "./image-config.ts";
import type { Compression, ImageForm } from "./target.ts";

/**
 * What the compressors take when nothing was said. One level below zlib's default costs 1 % of size and saves a
 * quarter of the time (programs and scripts of /usr: 69 instead of 54 MB/s on one core); zstd's is its own default.
 */
const GZIP_LEVEL = 5;
const ZSTD_LEVEL = 3;

/** A layer as an image names it. */
export interface LayerBlob extends ConfigLayer {
  readonly descriptor: Descriptor;
  /** Set where the bytes lie in the image or the cache that the layer came from, not in our store. */
  readonly origin: LayerOrigin | undefined;
  readonly layer: Layer;
}

export interface SerialiseContext {
  readonly layers: LayerStore;
  readonly blobs: FileBlobStore;
  readonly facts: LayerFacts;
  /** Told of each blob of which nobody knows yet what it will be. */
  readonly onGrowing?: OnGrowing | undefined;
}

/** The form of one layer's bytes: what decides them besides the layer itself. */
export interface BlobForm {
  readonly compression: Compression;
  readonly mediaTypes: ImageForm["mediaTypes"];
  /** File times later than this are set back to it; undefined leaves them. */
  readonly rewriteToNs: bigint | undefined;
}

/**
 * Serialises a layer, or finds what was serialised before. A base image's layer keeps its
 * bytes, unless the compression is forced and it has another.
 */
export async function layerBlob(layer: Layer, form: BlobForm, context: SerialiseContext, signal: AbortSignal): Promise<LayerBlob> {
  const origin = originOf(layer);
  if (origin !== undefined && (!form.compression.force || isCompressed(origin.descriptor, form.compression))) {
    return { layer, origin, diffId: origin.diffId, createdNs: undefined, descriptor: bareDescriptor(origin.descriptor, form.mediaTypes) };
  }
  if (layer instanceof ImportedLayer && isInForm(layer.origin.descriptor, form)) {
    return { layer, origin: layer.origin, diffId: layer.origin.diffId, createdNs: layer.imported.createdNs, descriptor: bareDescriptor(layer.origin.descriptor, form.mediaTypes) };
  }
  const name = formName(form, origin !== undefined);
  const known = context.facts.blob(layer.id, name);
  const isHere = known !== undefined && (await context.blobs.missing(new Set([known.digest]), signal)).size === 0;
  const blob = known !== undefined && isHere ? known : await serialise(layer, form, known === undefined ? context : { ...context, onGrowing: undefined }, signal);
  if (blob !== known) context.facts.saveBlob(layer.id, name, blob);
  return {
    layer, origin: undefined, diffId: blob.diffId,
    createdNs: origin === undefined ? context.facts.createdNs(layer.id) : undefined,
    descriptor: { mediaType: layerMediaType(blob.mediaType, form.mediaTypes), digest: blob.digest, size: blob.sizeBytes, ...annotated({ ...blob.annotations, ...rewriteMark(form, origin !== undefined) }) },
  };
}

/** Whether a step's layer, as a cache has it, is what would be made of it here. */
function isInForm(descriptor: Descriptor, { compression, rewriteToNs }: BlobForm): boolean {
  return rewriteToNs === undefined && isCompressed(descriptor, compression);
}

/** Of a level nobody can say whether a blob has it. */
function isCompressed(descriptor: Descriptor, { kind, level, force }: Compression): boolean {
  const { mediaType } = descriptor;
  const isEstargz = estargzAnnotations(descriptor).annotations !== undefined;
  // An estargz blob is gzip to whoever reads it, but not to who insists on it.
  if (kind === "estargz" ? !isEstargz : force && isEstargz) return false;
  return level === undefined && (OCI_LAYERS[mediaType] ?? mediaType) === COMPRESSED[kind];
}

/** BuildKit says of a layer whose times it set back what to, in seconds; Docker's descriptors have no annotations. */
function rewriteMark({ rewriteToNs, mediaTypes }: BlobForm, isBase: boolean): Readonly<Record<string, string>> {
  if (rewriteToNs === undefined || isBase || mediaTypes === "docker") return {};
  return { "buildkit/rewritten-timestamp": String(rewriteToNs / 1_000_000_000n) };
}

function annotated(annotations: Readonly<Record<string, string>>): Pick<Descriptor, "annotations"> {
  return Object.keys(annotations).length === 0 ? {} : { annotations };
}

/** Reads an image's blobs wherever they are: documents in memory, our layers in the store, the base's at their origin. */
export function imageContent(documents: ReadonlyMap<string, Uint8Array>, layers: readonly LayerBlob[], blobs: BlobStore): Pick<BlobStore, "read"> {
  const origins = new Map(layers.map(({ descriptor, origin }) => [descriptor.digest as string, origin]));
  return {
    read(digest, signal, chunks) {
      const document = documents.get(digest);
      return document === undefined ? (origins.get(digest)?.fetch(signal) ?? blobs.read(digest, signal, chunks)) : bytesOf(document);
    },
  };
}

async function serialise(layer: Layer, form: BlobForm, context: SerialiseContext, signal: AbortSignal): Promise<KnownBlob> {
  const asStored = form.rewriteToNs === undefined || originOf(layer) !== undefined;
  const ingest = form.compression.kind === "estargz" ? ingestEstargz : asStored ? ingestStored : ingestRewritten;
  const { blob, diffId, annotations } = await ingest(layer, form, context, signal);
  return { mediaType: COMPRESSED[form.compression.kind], digest: blob.digest, sizeBytes: blob.sizeBytes, diffId, annotations };
}

interface Ingested {
  readonly blob: StoredBlob;
  readonly diffId: DiffId;
  /** What the blob's descriptor has to say of it. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** With a table behind the archive, which counts for the diff id. */
async function ingestEstargz(layer: Layer, { compression, rewriteToNs }: BlobForm, context: SerialiseContext, signal: AbortSignal): Promise<Ingested> {
  const members = rewriteToNs === undefined || originOf(layer) !== undefined ? readTar(storedTar(layer, context, signal)) : rewritten(layer, rewriteToNs, signal);
  const { promise, resolve } = Promise.withResolvers<EstargzFacts>();
  const blob = await context.blobs.ingest(estargz(members, compression.level ?? GZIP_LEVEL, resolve), signal, context.onGrowing);
  const { toc, uncompressed, uncompressedBytes } = await promise;
  // The digest of an uncompressed tar is a diff id by definition.
  return { blob, diffId: uncompressed as string as DiffId, annotations: { [TOC_DIGEST_ANNOTATION]: toc, [ESTARGZ_SIZE_ANNOTATION]: String(uncompressedBytes) } };
}

/** The store knows the diff id once the archive has been read through, and checks it on the way: it is not hashed again. */
async function ingestStored(layer: Layer, { compression }: BlobForm, context: SerialiseContext, signal: AbortSignal): Promise<Ingested> {
  // Whoever compresses takes a copy, and a blob store is done with what it was given when it asks for more.
  const blob = await context.blobs.ingest(compress(storedTar(layer, context, signal, "lent"), compression), signal, context.onGrowing);
  return { blob, diffId: layer instanceof ImageLayer ? layer.origin.diffId : await context.layers.diffId(layer.id, signal), annotations: {} };
}

async function ingestRewritten(layer: Layer, { compression, rewriteToNs = 0n }: BlobForm, context: SerialiseContext, signal: AbortSignal): Promise<Ingested> {
  const hash = createHash("sha256");
  const blob = await context.blobs.ingest(compress(hashed(writeTar(rewritten(layer, rewriteToNs, signal), "lent"), hash), compression), signal, context.onGrowing);
  // digest("hex") is 64 characters of lower-case hex by construction.
  return { blob, diffId: `sha256:${hash.digest("hex")}` as DiffId, annotations: {} };
}

function storedTar(layer: Layer, { layers }: SerialiseContext, signal: AbortSignal, chunks?: ChunkOwner): ByteStream {
  return layer instanceof ImageLayer ? layer.tar(signal, chunks) : layers.exportTar(layer.id, signal, chunks);
}

/** The layer's own archive with times set back: what else an archive leaves out of an entry is left out here too. */
async function* rewritten(layer: Layer, latestNs: bigint, signal: AbortSignal): AsyncIterable<Member> {
  for (const entry of await layer.entries(signal)) {
    yield { entry: notAfter(exportedEntry(entry), latestNs), content: entry.kind === "file" ? layer.read(entry, signal, "lent") : bytesOf() };
  }
}

/** A layer's entries as its archive in an image has them. A base image's archive is the one that it came in. */
export async function archivedEntries(layer: Layer, rewriteToNs: bigint | undefined, signal: AbortSignal): Promise<readonly Entry[]> {
  const entries = await layer.entries(signal);
  if (originOf(layer) !== undefined) return entries;
  return entries.map((entry) => (rewriteToNs === undefined ? exportedEntry(entry) : notAfter(exportedEntry(entry), rewriteToNs)));
}

function notAfter(entry: Entry, latestNs: bigint): Entry {
  if (entry.mtimeNs <= latestNs) return entry;
  return { ...entry, mtimeNs: latestNs, ...(fitsPlainTime(entry.mtimeNs) ? {} : { wasExtended: true }) };
}

/** Chunks are lent. */
function compress(tar: ByteStream, { kind, level }: Compression): ByteStream {
  switch (kind) {
    case "uncompressed":
      return tar;
    case "gzip":
      return gzip(tar, level ?? GZIP_LEVEL, "lent");
    case "zstd":
      return zstd(tar, level ?? ZSTD_LEVEL, "lent");
    case "estargz":
      throw new RangeError("not made from an archive's bytes");
  }
}

const COMPRESSED: Readonly<Record<Compression["kind"], string>> = {
  uncompressed: MEDIA_TYPE.ociLayer,
  gzip: MEDIA_TYPE.ociLayerGzip,
  estargz: MEDIA_TYPE.ociLayerGzip,
  zstd: MEDIA_TYPE.ociLayerZstd,
};

const DOCKER_LAYERS: Readonly<Record<string, string>> = {
  [MEDIA_TYPE.ociLayer]: MEDIA_TYPE.dockerLayer,
  [MEDIA_TYPE.ociLayerGzip]: MEDIA_TYPE.dockerLayerGzip,
  [MEDIA_TYPE.ociLayerZstd]: "application/vnd.docker.image.rootfs.diff.tar.zstd",
  "application/vnd.oci.image.layer.nondistributable.v1.tar": "application/vnd.docker.image.rootfs.foreign.diff.tar",
  "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip": MEDIA_TYPE.dockerForeignLayerGzip,
};

const OCI_LAYERS: Readonly<Record<string, string>> = Object.fromEntries(Object.entries(DOCKER_LAYERS).map(([oci, docker]) => [docker, oci]));

function layerMediaType(mediaType: string, wanted: ImageForm["mediaTypes"]): string {
  return (wanted === "docker" ? DOCKER_LAYERS : OCI_LAYERS)[mediaType] ?? mediaType;
}

/** A layer's descriptor in a manifest of ours carries nothing that its own manifest said beyond the bytes and where their table is. */
function bareDescriptor(descriptor: Descriptor, wanted: ImageForm["mediaTypes"]): Descriptor {
  const { mediaType, digest, size, urls } = descriptor;
  return { mediaType: layerMediaType(mediaType, wanted), digest, size, ...(wanted === "oci" ? estargzAnnotations(descriptor) : {}), ...(urls === undefined ? {} : { urls }) };
}

function formName({ compression, rewriteToNs }: BlobForm, isBase: boolean): string {
  // A base layer's times are never rewritten (anchor c, rewrite-timestamp).
  const level = compression.level === undefined ? "" : `:${compression.level}`;
  return `${compression.kind}${level}${rewriteToNs === undefined || isBase ? "" : `@${rewriteToNs}`}`;
}
