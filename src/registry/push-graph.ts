import type { BlobStore } from "../content/blob-store.ts";
import { collectBytes } from "../content/bytes.ts";
import { parseDigest, type Digest } from "../content/digest.ts";
import { verified } from "../content/verified.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { isIndex, isManifest, MEDIA_TYPE } from "../oci/media-type.ts";
import { MANIFEST_SIZE_BYTES_MAX } from "./manifest-calls.ts";

/** Manifests in one push: indexes of indexes come from hostile builders only. */
const MANIFESTS_MAX = 10_000;

/** What is pushed, and where its bytes are read. */
export interface PushRoots {
  readonly content: Pick<BlobStore, "read">;
  readonly roots: readonly Descriptor[];
}

export interface ReadManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly children: readonly Descriptor[];
  /** What it says of itself that it is about. */
  readonly subject: Digest | undefined;
}

export interface PushGraph {
  readonly roots: readonly ReadManifest[];
  readonly blobs: ReadonlyMap<Digest, Descriptor>;
  /** All manifests but the roots; each level needs only what comes before it. */
  readonly levels: ReadonlyArray<readonly ReadManifest[]>;
}

/**
 * Reads all manifests below the roots. A manifest comes after those that it names, and after its subject if that is among
 * them: the specification has registries take it in either order, and GitLab's does not.
 */
export async function readPushGraph({ content, roots }: PushRoots, signal: AbortSignal): Promise<PushGraph> {
  const blobs = new Map<Digest, Descriptor>();
  const manifests = new Map<Digest, ReadManifest>();

  async function visit(descriptor: Descriptor): Promise<ReadManifest> {
    const known = manifests.get(descriptor.digest);
    if (known !== undefined) return known;
    const manifest = await readManifest(content, descriptor, signal);
    manifests.set(descriptor.digest, manifest);
    if (manifests.size > MANIFESTS_MAX) throw new RangeError(`${roots[0]?.digest} names more than ${MANIFESTS_MAX} manifests`);
    for (const child of manifest.children) {
      if (isIndex(child.mediaType) || isManifest(child.mediaType)) await visit(child);
      else if (!isForeign(child.mediaType)) blobs.set(child.digest, child);
    }
    return manifest;
  }

  const read: ReadManifest[] = [];
  for (const root of roots) read.push(await visit(root));
  return { roots: read, blobs, levels: levelsOf(manifests, new Set(roots.map(({ digest }) => digest))) };
}

function levelsOf(manifests: ReadonlyMap<Digest, ReadManifest>, roots: ReadonlySet<Digest>): PushGraph["levels"] {
  const heights = new Map<Digest, number>();

  // Digests make no circle, so this ends.
  function heightOf({ descriptor, children, subject }: ReadManifest): number {
    const known = heights.get(descriptor.digest);
    if (known !== undefined) return known;
    const needed = [...children.map(({ digest }) => digest), ...(subject === undefined ? [] : [subject])].map((digest) => manifests.get(digest)).filter((manifest) => manifest !== undefined);
    const height = Math.max(0, ...needed.map((manifest) => heightOf(manifest) + 1));
    heights.set(descriptor.digest, height);
    return height;
  }

  const levels: ReadManifest[][] = [];
  for (const manifest of manifests.values()) if (!roots.has(manifest.descriptor.digest)) (levels[heightOf(manifest)] ??= []).push(manifest);
  return levels.filter((level) => level !== undefined);
}

async function readManifest(content: PushRoots["content"], descriptor: Descriptor, signal: AbortSignal): Promise<ReadManifest> {
  const bytes = await collectBytes(verified(content.read(descriptor.digest, signal), descriptor.digest, descriptor.size), MANIFEST_SIZE_BYTES_MAX);
  // Its digest says that it is what whoever made it meant; members that are missing have no children.
  const document = JSON.parse(bytes.toString("utf8")) as Partial<Manifest & ImageIndex>;
  const children = [...(document.config === undefined ? [] : [document.config]), ...(document.layers ?? []), ...(document.manifests ?? [])];
  return {
    descriptor, bytes,
    children: children.map((child) => ({ ...child, digest: parseDigest(child.digest) })),
    subject: document.subject === undefined ? undefined : parseDigest(document.subject.digest),
  };
}

/** Layers that may not be redistributed: they stay where their `urls` say. */
function isForeign(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE.dockerForeignLayerGzip || mediaType === "application/vnd.docker.image.rootfs.foreign.diff.tar" || mediaType.includes(".layer.nondistributable.");
}
