import { digestOf, type Digest } from "../content/digest.ts";
import { goJson, goList } from "../content/go-json.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { platformInOrder } from "../oci/member-order.ts";
import type { Platform } from "../oci/platform.ts";
import { annotationsAt } from "./annotations.ts";
import { attestationManifest } from "./attestation-manifest.ts";
import { standsInIndex, type EvidenceForm } from "./evidence.ts";
import { hasIndex, refuseForm } from "./form-limits.ts";
import { finishConfig } from "./image-config.ts";
import type { LayerBlob } from "./layer-blob.ts";
import type { Statement } from "./statement.ts";
import type { ImageForm } from "./target.ts";

/** One platform's result, with its layers serialised. */
export interface PlatformImage {
  readonly platform: Platform;
  /** The configuration as the frontend returned it. */
  readonly config: Uint8Array;
  readonly layers: readonly LayerBlob[];
  /** The statements about this platform. */
  readonly statements: readonly Statement[];
}

export interface AssembledPlatform {
  readonly platform: Platform;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
}

/** An image whose every byte is decided: nothing of it is published yet. */
export interface AssembledImage {
  /** What a tag will point at: an index, or the manifest of a single platform with no statements beside it. */
  readonly root: Descriptor;
  readonly platforms: readonly AssembledPlatform[];
  readonly evidence: EvidenceForm;
  /** One for each platform that has statements, where they are stored with the image. */
  readonly attestations: readonly Descriptor[];
  /** Everything but layers: configurations, statements, manifests, index. */
  readonly documents: ReadonlyMap<Digest, Uint8Array>;
  /** Manifests and the index, each after what it refers to. */
  readonly manifests: readonly Descriptor[];
  readonly layers: readonly LayerBlob[];
}

/**
 * Decides the bytes of an image: images first in the index, then their attestations (anchor b.8).
 * Throws ExportError ("usage") for what the form cannot hold.
 */
export function assembleImage(images: readonly PlatformImage[], form: ImageForm, options: AssembleOptions): AssembledImage {
  const { evidence } = options;
  const shape = { platforms: images.map(({ platform }) => platform), evidence: placeOf(images, evidence), indexAlways: options.indexAlways };
  refuseForm(form, shape);
  const documents = new Documents();
  const platforms = images.map((image) => assemblePlatform(image, form, { documents, epochNs: options.epochNs }));
  const attestations = images.flatMap((image, i) => {
    const subject = platforms[i]?.manifest;
    if (subject === undefined || image.statements.length === 0 || evidence.place === "apart") return [];
    return [attestationManifest({ subject, statements: image.statements, form: evidence }, documents)];
  });
  const layers = images.flatMap((image) => image.layers);
  const manifests = [...platforms.map(({ manifest }) => manifest), ...attestations];
  const [only] = platforms;
  if (only !== undefined && !hasIndex(shape)) {
    const root = { ...only.manifest, ...annotationsAt(form.annotations, "manifest-descriptor", only.platform), platform: only.platform };
    return { root, platforms, evidence, attestations, documents: documents.all, manifests, layers };
  }
  const root = assembleIndex(platforms, standsInIndex(evidence.place) ? attestations : [], form, documents);
  return { root, platforms, evidence, attestations, documents: documents.all, manifests: [...manifests, root], layers };
}

function placeOf(images: readonly PlatformImage[], { place }: EvidenceForm): EvidenceForm["place"] {
  return images.some(({ statements }) => statements.length > 0) ? place : "apart";
}

export interface AssembleOptions {
  readonly evidence: EvidenceForm;
  readonly epochNs: bigint | undefined;
  /** BUILDKIT_MULTI_PLATFORM=1: an index also around a single manifest. */
  readonly indexAlways: boolean;
}

/** The manifest that a platform will have: the statements about it name it, so it does not depend on them. */
export function platformManifest(image: Omit<PlatformImage, "statements">, form: ImageForm, epochNs: bigint | undefined): Descriptor {
  return assemblePlatform(image, form, { documents: new Documents(), epochNs }).manifest;
}

/** Collects documents under their digests, and says how to refer to them. */
export class Documents {
  readonly all: Map<Digest, Uint8Array> = new Map();

  add(mediaType: string, bytes: Uint8Array): Descriptor {
    const digest = digestOf(bytes);
    this.all.set(digest, bytes);
    return { mediaType, digest, size: bytes.byteLength };
  }

  /** Manifests are indented by two spaces, as BuildKit's are. */
  addManifest(manifest: (Omit<Manifest, "layers"> & { readonly layers: Manifest["layers"] | null }) | ImageIndex): Descriptor {
    return this.add(manifest.mediaType, Buffer.from(goJson(manifest, "  ")));
  }
}

function assemblePlatform(image: Omit<PlatformImage, "statements">, form: ImageForm, { documents, epochNs }: { documents: Documents; epochNs: bigint | undefined }): AssembledPlatform {
  const docker = form.mediaTypes === "docker";
  const config = documents.add(docker ? MEDIA_TYPE.dockerConfig : MEDIA_TYPE.ociConfig, finishConfig(image.config, image.layers, epochNs));
  const mediaType = docker ? MEDIA_TYPE.dockerManifest : MEDIA_TYPE.ociManifest;
  const manifest = documents.addManifest({
    schemaVersion: 2,
    mediaType,
    config,
    layers: goList(image.layers.map((layer) => layer.descriptor)),
    ...annotationsAt(form.annotations, "manifest", image.platform),
  });
  return { platform: platformInOrder(image.platform), manifest, config };
}

function assembleIndex(platforms: readonly AssembledPlatform[], attestations: readonly Descriptor[], form: ImageForm, documents: Documents): Descriptor {
  const manifests = platforms.map(({ manifest, platform }) => ({ ...manifest, ...annotationsAt(form.annotations, "manifest-descriptor", platform), platform }));
  const index = documents.addManifest({
    schemaVersion: 2,
    mediaType: form.mediaTypes === "docker" ? MEDIA_TYPE.dockerIndex : MEDIA_TYPE.ociIndex,
    manifests: [...manifests, ...attestations],
    ...annotationsAt(form.annotations, "index", undefined),
  });
  return { ...index, ...annotationsAt(form.annotations, "index-descriptor", undefined) };
}
