import type { Platform } from "../oci/platform.ts";
import { refuseIndexAnnotations, refuseLostAnnotations } from "./annotations.ts";
import { ExportError } from "./error.ts";
import type { ImageForm, ImageTarget } from "./target.ts";

/** What decides whether an image can have a form: known once it is built, and mostly before. */
export interface ImageShape {
  readonly platforms: readonly Platform[];
  /** Statements go with it. */
  readonly attests: boolean;
  /** An index also around a single manifest. */
  readonly indexAlways: boolean;
}

/** Throws ExportError ("usage") for what the form cannot hold, in BuildKit's words. */
export function refuseForm({ annotations, mediaTypes }: ImageForm, shape: ImageShape): void {
  refuseLostAnnotations(annotations, shape.platforms, mediaTypes);
  if (!hasIndex(shape)) refuseIndexAnnotations(annotations);
  if (mediaTypes === "docker" && shape.attests) throw new ExportError("usage", 'cannot export attestations with "oci-mediatypes=false": build with --provenance=false');
}

/** The same, and for what the target cannot hold, in buildx's words. */
export function refuseTarget({ kind, form }: ImageTarget, shape: ImageShape): void {
  if (kind === "docker-tar" && hasIndex(shape)) {
    throw new ExportError("usage", "docker exporter does not support exporting manifest lists, use the oci exporter instead; or build one platform with --provenance=false");
  }
  refuseForm(form, shape);
}

export function hasIndex({ platforms, attests, indexAlways }: ImageShape): boolean {
  return platforms.length > 1 || attests || indexAlways;
}
