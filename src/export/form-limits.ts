import type { Descriptor } from "../oci/descriptor.ts";
import { formatPlatform, type Platform } from "../oci/platform.ts";
import { parseReference } from "../oci/reference.ts";
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
export function refuseForm({ annotations, mediaTypes, compat }: ImageForm, shape: ImageShape): void {
  if ((compat === "lambda" || compat === "cloud-run") && hasIndex(shape)) {
    throw new ExportError("usage", `--compat=${compat} needs a single manifest, and this is an index of ${shape.platforms.map(formatPlatform).join(", ")}: build each platform under a tag of its own`);
  }
  refuseLostAnnotations(annotations, shape.platforms, mediaTypes);
  if (!hasIndex(shape)) refuseIndexAnnotations(annotations);
  if (mediaTypes === "docker" && standsInIndex(shape.evidence)) {
    throw new ExportError("usage", 'cannot export attestations with "oci-mediatypes=false": store them elsewhere with --attest-store=referrers, or build with --provenance=false');
  }
}

/** The same, and for what the target cannot hold, in buildx's words. */
export function refuseTarget(target: ImageTarget, shape: ImageShape): void {
  const { kind, form } = target;
  if (kind === "docker-tar" && target.destination.kind === "engine" && hasIndex(shape)) {
    throw new ExportError("usage", `docker exporter does not currently support exporting manifest lists: the Docker engine at ${target.destination.address} does not keep images in containerd's store, which could hold one; let it use that, or build one platform with --provenance=false`);
  }
  if (kind === "docker-tar" && hasIndex(shape)) {
    throw new ExportError("usage", "docker exporter does not support exporting manifest lists, use the oci exporter instead; or build one platform with --provenance=false");
  }
  if (kind === "docker-tar" && shape.evidence === "referrers") {
    throw new ExportError("usage", "the archive of the docker exporter has no place for what refers to an image: use --attest-store=file:DIRECTORY or none, or the oci exporter");
  }
  if (kind === "oci-tar" && target.destination.kind === "engine" && shape.evidence === "referrers") {
    throw new ExportError("usage", "a Docker engine does not keep what refers to an image: use --attest-store=index, file:DIRECTORY or none");
  }
  const tagged = kind === "image" && target.push && target.byDigest ? form.names.find((name) => isTagged(name)) : undefined;
  if (tagged !== undefined) throw new ExportError("usage", `failed to push ${tagged}: can't push tagged ref ${tagged} by digest: leave its tag out`);
  refuseForm(form, shape);
}

function isTagged(name: string): boolean {
  const { tag, digest } = parseReference(name);
  return tag !== undefined || digest !== undefined;
}

/** Layers of a base keep their compression, which not every consumer knows. */
export function refuseLayers({ compat }: ImageForm, layers: readonly Descriptor[]): void {
  const zstd = compat === "docker-v2" ? layers.find(({ mediaType }) => mediaType.endsWith("zstd")) : undefined;
  if (zstd !== undefined) throw new ExportError("usage", `--compat=docker-v2 needs layers that are gzip or uncompressed, and the base has one in zstd, ${zstd.digest}: add force-compression=true to --output`);
}

export function hasIndex({ platforms, evidence, indexAlways }: ImageShape): boolean {
  return platforms.length > 1 || standsInIndex(evidence) || indexAlways;
}
