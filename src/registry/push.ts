import type { BlobStore } from "../content/blob-store.ts";
import { collectBytes } from "../content/bytes.ts";
import { parseDigest, type Digest } from "../content/digest.ts";
import { verified } from "../content/verified.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { isIndex, isManifest, MEDIA_TYPE } from "../oci/media-type.ts";
import { eachLimited } from "./each-limited.ts";
import { MANIFEST_SIZE_BYTES_MAX } from "./manifest-calls.ts";
import type { Repository } from "./repository.ts";

/** Uploads to one registry at a time, as dockerd does. */
const UPLOADS_IN_FLIGHT_MAX = 5;
/** Manifests in one push: indexes of indexes come from hostile builders only. */
const MANIFESTS_MAX = 10_000;

export interface PushRequest {
  /** Opened for pushing. */
  readonly repository: Repository;
  readonly content: Pick<BlobStore, "read">;
  readonly root: Descriptor;
  /** Empty pushes by digest only. */
  readonly tags: readonly string[];
  /** A repository of the same registry that may have a blob, such as that of the base image. */
  readonly mountFrom: (digest: Digest) => string | undefined;
  readonly onProgress: (progress: PushProgress) => void;
}

/** How far one blob or manifest is. */
export interface PushProgress {
  readonly descriptor: Descriptor;
  readonly state: "present" | "mounted" | "sending" | "sent";
  /** Counts again from zero where sending has to start over. */
  readonly sentBytes: number;
}

/**
 * Pushes a graph of manifests with everything that they name: blobs first, then manifests from the leaves, tags last.
 * A push that fails half-way has changed no tag.
 */
export async function pushContent(request: PushRequest, signal: AbortSignal): Promise<void> {
  await pushBelow(request, signal);
  if (request.tags.length === 0) await pushRoot(request, signal);
  await pushTags(request, signal);
}

/** What an index names, before that index: it needs no tag, and no list of referrers has to name it. */
export async function pushEntry(request: PushRequest, signal: AbortSignal): Promise<void> {
  const { mediaType } = request.root;
  if (!isIndex(mediaType) && !isManifest(mediaType)) return await pushBlob(request, request.root, signal);
  await pushBelow(request, signal);
  await pushManifest(request, await readManifest(request.content, request.root, signal), { tag: undefined, isNamed: true }, signal);
}

/** All but the root. */
export async function pushBelow(request: PushRequest, signal: AbortSignal): Promise<void> {
  const { blobs, levels } = await readGraph(request, signal);
  await eachLimited(blobs.values(), UPLOADS_IN_FLIGHT_MAX, (blob, either) => pushBlob(request, blob, either), signal);
  for (const level of levels) {
    await eachLimited(level, UPLOADS_IN_FLIGHT_MAX, (manifest, either) => pushManifest(request, manifest, { tag: undefined, isNamed: true }, either), signal);
  }
}

/** A root whose content is there, under its digest alone. */
export async function pushRoot(request: PushRequest, signal: AbortSignal): Promise<void> {
  await pushManifest(request, await readManifest(request.content, request.root, signal), { tag: undefined, isNamed: false }, signal);
}

/** Gives the tags to a root whose content is there. */
export async function pushTags(request: PushRequest, signal: AbortSignal): Promise<void> {
  const root = await readManifest(request.content, request.root, signal);
  for (const tag of request.tags) await pushManifest(request, root, { tag, isNamed: false }, signal);
}

interface ManifestName {
  readonly tag: string | undefined;
  /** An index that is pushed after it names it. */
  readonly isNamed: boolean;
}

interface ReadManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly children: readonly Descriptor[];
}

interface PushGraph {
  readonly blobs: ReadonlyMap<Digest, Descriptor>;
  /** All manifests but the root; each level needs only what comes before it. */
  readonly levels: ReadonlyArray<readonly ReadManifest[]>;
}

async function readGraph({ content, root }: PushRequest, signal: AbortSignal): Promise<PushGraph> {
  const blobs = new Map<Digest, Descriptor>();
  const heights = new Map<Digest, number>();
  const levels: ReadManifest[][] = [];

  async function visit(descriptor: Descriptor): Promise<number> {
    const known = heights.get(descriptor.digest);
    if (known !== undefined) return known;
    const manifest = await readManifest(content, descriptor, signal);
    let height = 0;
    for (const child of manifest.children) {
      if (isIndex(child.mediaType) || isManifest(child.mediaType)) height = Math.max(height, (await visit(child)) + 1);
      else if (!isForeign(child.mediaType)) blobs.set(child.digest, child);
    }
    heights.set(descriptor.digest, height);
    if (heights.size > MANIFESTS_MAX) throw new RangeError(`${root.digest} names more than ${MANIFESTS_MAX} manifests`);
    if (descriptor.digest !== root.digest) (levels[height] ??= []).push(manifest);
    return height;
  }

  await visit(root);
  return { blobs, levels: levels.filter((level) => level !== undefined) };
}

async function readManifest(content: PushRequest["content"], descriptor: Descriptor, signal: AbortSignal): Promise<ReadManifest> {
  const bytes = await collectBytes(verified(content.read(descriptor.digest, signal), descriptor.digest, descriptor.size), MANIFEST_SIZE_BYTES_MAX);
  // Its digest says that it is what whoever made it meant; members that are missing have no children.
  const document = JSON.parse(bytes.toString("utf8")) as Partial<Manifest & ImageIndex>;
  const children = [...(document.config === undefined ? [] : [document.config]), ...(document.layers ?? []), ...(document.manifests ?? [])];
  return { descriptor, bytes, children: children.map((child) => ({ ...child, digest: parseDigest(child.digest) })) };
}

async function pushBlob({ repository, content, mountFrom, onProgress }: PushRequest, descriptor: Descriptor, signal: AbortSignal): Promise<void> {
  const { digest, size } = descriptor;
  if (await repository.hasBlob(digest, signal)) {
    onProgress({ descriptor, state: "present", sentBytes: 0 });
    return;
  }
  async function* open(open: AbortSignal): AsyncGenerator<Uint8Array> {
    let sentBytes = 0;
    onProgress({ descriptor, state: "sending", sentBytes });
    for await (const chunk of content.read(digest, open)) {
      yield chunk;
      sentBytes += chunk.byteLength;
      onProgress({ descriptor, state: "sending", sentBytes });
    }
  }
  const result = await repository.uploadBlob({ descriptor, open, mountFrom: mountFrom(digest) }, signal);
  onProgress(result === "mounted" ? { descriptor, state: "mounted", sentBytes: 0 } : { descriptor, state: "sent", sentBytes: size });
}

async function pushManifest({ repository, onProgress }: PushRequest, manifest: ReadManifest, { tag, isNamed }: ManifestName, signal: AbortSignal): Promise<void> {
  const { descriptor, bytes } = manifest;
  // A registry may forbid to write a tag twice, which is no reason to fail where nothing would change.
  const isThere = tag !== undefined && (await repository.resolve(tag, signal))?.digest === descriptor.digest;
  if (!isThere) await repository.putManifest({ tag, mediaType: descriptor.mediaType, bytes, namedByIndex: isNamed }, signal);
  onProgress({ descriptor, state: isThere ? "present" : "sent", sentBytes: isThere ? 0 : descriptor.size });
}

/** Layers that may not be redistributed: they stay where their `urls` say. */
function isForeign(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE.dockerForeignLayerGzip || mediaType === "application/vnd.docker.image.rootfs.foreign.diff.tar" || mediaType.includes(".layer.nondistributable.");
}
