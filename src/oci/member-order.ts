import type { Descriptor } from "./descriptor.ts";
import type { ImageIndex } from "./manifest.ts";
import type { Platform } from "./platform.ts";

/*
 * Members in the order of image-spec's own Go types, which decides the bytes of what is written: what is empty is left
 * out, and what the types do not know is dropped.
 */

export function platformInOrder({ architecture, os, "os.version": version, "os.features": features, variant }: Platform): Platform {
  return {
    architecture, os,
    ...(version === undefined || version === "" ? {} : { "os.version": version }),
    ...(features === undefined || features.length === 0 ? {} : { "os.features": features }),
    ...(variant === undefined || variant === "" ? {} : { variant }),
  };
}

export function descriptorInOrder({ mediaType, digest, size, urls, annotations, data, platform, artifactType }: Descriptor): Descriptor {
  return {
    mediaType, digest, size,
    ...(urls === undefined || urls.length === 0 ? {} : { urls }),
    ...annotationsInOrder(annotations),
    ...(data === undefined || data === "" ? {} : { data }),
    ...(platform === undefined ? {} : { platform: platformInOrder(platform) }),
    ...(artifactType === undefined || artifactType === "" ? {} : { artifactType }),
  };
}

export function indexInOrder({ schemaVersion, mediaType, artifactType, manifests, subject, annotations }: ImageIndex): ImageIndex {
  return {
    schemaVersion, mediaType,
    ...(artifactType === undefined || artifactType === "" ? {} : { artifactType }),
    manifests: manifests.map(descriptorInOrder),
    ...(subject === undefined ? {} : { subject: descriptorInOrder(subject) }),
    ...annotationsInOrder(annotations),
  };
}

/** Maps are written with their keys sorted. */
export function annotationsInOrder(annotations: Readonly<Record<string, string>> | undefined): { readonly annotations?: Readonly<Record<string, string>> } {
  const sorted = Object.entries(annotations ?? {}).toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return sorted.length === 0 ? {} : { annotations: Object.fromEntries(sorted) };
}
