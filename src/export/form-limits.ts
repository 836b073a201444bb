import type { Platform } from "../oci/platform.ts";
import { refuseIndexAnnotations, refuseLostAnnotations } from "./annotations.ts";
import { ExportError } from "./error.ts";
import { standsInIndex, type EvidenceForm } from "./evidence.ts";
import type { ImageForm, ImageTarget } from "./target.ts";

/** What decides whether an image can have a form: known once it is built, and mostly before. */
export interface ImageShape {
  readonly platforms: readonly Platform[];
  /** Where its statements go; `apart` where there are none. */
  readonly evidence: EvidenceForm["place"];
  /** An index also around a single manifest. */
  readonly indexAlways: boolean;
}

/** Throws ExportError ("usage") for what the form cannot hold, in BuildKit's words. */
export function refuseForm({ annotations, mediaTypes }: ImageForm, shape: ImageShape): void {
  refuseLostAnnotations(annotations, shape.platforms, mediaTypes);
  if (!hasIndex(shape)) refuseIndexAnnotations(annotations);
  if (mediaTypes === "docker" && standsInIndex(shape.evidence)) {
    throw new ExportError("usage", 'cannot export attestations with "oci-mediatypes=false": store them elsewhere with --attest-store=referrers, or build with --provenance=false');
  }
}

/** The same, and for what the target cannot hold, in buildx's words. */
export function refuseTarget({ kind, form }: ImageTarget, shape: ImageShape): void {
  if (kind === "docker-tar" && hasIndex(shape)) {
    throw new ExportError("usage", "docker exporter does not support exporting manifest lists, use the oci exporter instead; or build one platform with --provenance=false");
  }
  if (kind === "docker-tar" && shape.evidence === "referrers") {
    throw new ExportError("usage", "the archive of the docker exporter has no place for what refers to an image: use --attest-store=file:DIRECTORY or none, or the oci exporter");
  }
  refuseForm(form, shape);
}

export function hasIndex({ platforms, evidence, indexAlways }: ImageShape): boolean {
  return platforms.length > 1 || standsInIndex(evidence) || indexAlways;
}
