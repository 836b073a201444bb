import type { ImageSource, PinnedImage } from "../source/image.ts";
import { PROVENANCE_TYPES } from "./image-provenance.ts";

const STATEMENT = "application/vnd.in-toto+json";

/**
 * The image with the manifest of statements about it. The index of one of Docker's hardened images names none: a provenance of it
 * refers to it, and the first of those is taken, as in BuildKit.
 */
export async function withStatements(images: ImageSource, pinned: PinnedImage, signal: AbortSignal): Promise<PinnedImage> {
  if (!pinned.isHardenedByDocker) return pinned;
  const all = await images.referrers(pinned.reference, pinned.manifestDigest, signal);
  const attestation = all.find(({ artifactType, annotations }) => artifactType === STATEMENT && PROVENANCE_TYPES.includes(annotations?.["in-toto.io/predicate-type"] ?? ""));
  return { ...pinned, attestation };
}
