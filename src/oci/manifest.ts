import type { Descriptor } from "./descriptor.ts";

/** image-spec, manifest.md; Docker's schema 2 has the same members. */
export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** image-spec, image-index.md; Docker's manifest list has the same members. */
export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** On an entry of a layout's index: the digest that the entry is about. containerd writes and reads it. */
export const SUBJECT_ANNOTATION = "io.containerd.manifest.subject";
