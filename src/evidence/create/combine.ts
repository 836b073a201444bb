import { digestOf, type Digest } from "../../content/digest.ts";
import { goJson } from "../../content/go-json.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { ImageIndex } from "../../oci/manifest.ts";
import { isIndex, MEDIA_TYPE } from "../../oci/media-type.ts";
import { annotationsInOrder, descriptorInOrder, indexInOrder } from "../../oci/member-order.ts";
import { formatPlatform, normalizePlatform } from "../../oci/platform.ts";
import type { ImageSource } from "../../registry/oci-layout.ts";
import { parseIndex } from "../../trace/document.ts";
import { EvidenceError } from "../evidence-error.ts";
import type { CreateAnnotation } from "./create-annotation.ts";
import { locationText, type Location } from "./location.ts";

/** Where manifests are copied from. */
export interface SourcePlace {
  readonly location: Location;
  readonly source: ImageSource;
}

/** A source that was found: an index, or a manifest with its platform. */
export interface SourceImage {
  readonly place: SourcePlace;
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** An entry of an index, with where it comes from. */
export interface Entry {
  readonly descriptor: Descriptor;
  readonly place: SourcePlace;
}

/** What the new image's name will point at. */
export interface NewRoot {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  /** Of the index; the root itself where it is a manifest. */
  readonly entries: readonly Entry[];
}

/**
 * Decides the bytes of what several sources become together: buildx's rule and buildx's bytes. One index stays as it is;
 * one manifest too, unless an index around it is preferred.
 */
export function combine(sources: readonly SourceImage[], annotations: readonly CreateAnnotation[], preferIndex: boolean): NewRoot {
  const [first, ...others] = sources;
  if (first !== undefined && others.length === 0 && annotations.length === 0) {
    if (isIndex(first.descriptor.mediaType)) return { descriptor: first.descriptor, bytes: first.bytes, entries: entriesOf(first) };
    if (!preferIndex) return { descriptor: first.descriptor, bytes: first.bytes, entries: [first] };
  }
  const entries = mergeEntries(sources.flatMap(entriesOf));
  const mediaType = entries.every(({ descriptor }) => descriptor.mediaType.startsWith("application/vnd.docker.")) ? MEDIA_TYPE.dockerIndex : MEDIA_TYPE.ociIndex;
  if (mediaType === MEDIA_TYPE.dockerIndex && annotations.length > 0) {
    throw new EvidenceError("usage", "annotations need an OCI index, and all sources are Docker's manifests, whose list has none");
  }
  const annotated = entries.map((entry) => ({ ...entry, descriptor: annotate(entry.descriptor, annotations) }));
  const manifests = annotated.map(({ descriptor }) => descriptor);
  return { ...writeIndex({ schemaVersion: 2, mediaType, manifests, ...indexAnnotations(annotations) }), entries: annotated };
}

/** The same index with other entries. */
export function withEntries(root: NewRoot, entries: readonly Entry[]): NewRoot {
  const index = { ...parseIndex(root.bytes, root.descriptor.digest), mediaType: root.descriptor.mediaType, manifests: entries.map(({ descriptor }) => descriptor) };
  const written = writeIndex(index);
  return { bytes: written.bytes, entries, descriptor: { ...written.descriptor, ...annotationsInOrder(root.descriptor.annotations) } };
}

function writeIndex(index: ImageIndex): Pick<NewRoot, "descriptor" | "bytes"> {
  const bytes = Buffer.from(goJson(indexInOrder(index), "  "));
  return { bytes, descriptor: { mediaType: index.mediaType, digest: digestOf(bytes), size: bytes.byteLength } };
}

function entriesOf({ descriptor, bytes, place }: SourceImage): readonly Entry[] {
  if (!isIndex(descriptor.mediaType)) return [{ descriptor: descriptorInOrder(descriptor), place }];
  const { manifests } = parseIndex(bytes, locationText(place.location));
  return manifests.map((entry) => ({ descriptor: descriptorInOrder(entry), place }));
}

/** The same manifest once, where it stood first; what a later source says of it is added. */
function mergeEntries(entries: readonly Entry[]): readonly Entry[] {
  const merged = new Map<Digest, Entry>();
  for (const { descriptor, place } of entries) {
    const known = merged.get(descriptor.digest)?.descriptor ?? descriptor;
    const { platform = known.platform } = descriptor;
    const annotations = { ...known.annotations, ...descriptor.annotations };
    merged.set(descriptor.digest, { place, descriptor: { ...known, annotations, ...(platform === undefined ? {} : { platform }) } });
  }
  return [...merged.values()];
}

function annotate(descriptor: Descriptor, annotations: readonly CreateAnnotation[]): Descriptor {
  const platform = descriptor.platform === undefined ? undefined : formatPlatform(normalizePlatform(descriptor.platform));
  const meant = annotations.filter((one) => one.place === "manifest-descriptor" && (one.platform === undefined || one.platform === platform));
  return { ...descriptor, annotations: { ...descriptor.annotations, ...Object.fromEntries(meant.map(({ key, value }) => [key, value])) } };
}

function indexAnnotations(annotations: readonly CreateAnnotation[]): Pick<ImageIndex, "annotations"> {
  const meant = annotations.filter(({ place }) => place === "index");
  return meant.length === 0 ? {} : { annotations: Object.fromEntries(meant.map(({ key, value }) => [key, value])) };
}
