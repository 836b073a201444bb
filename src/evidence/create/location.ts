import { InvalidDigestError, parseDigest, type Digest } from "../../content/digest.ts";
import { formatReference, InvalidReferenceError, parseReference, repositoryName, tagNameOnly, type Reference } from "../../oci/reference.ts";
import { formatLayoutReference, parseLayoutReference, type LayoutReference } from "../../registry/oci-layout.ts";
import { EvidenceError } from "../evidence-error.ts";

/** Where an image is or is to be: in a registry, or in an OCI layout. */
export type Location = { readonly kind: "registry"; readonly reference: Reference } | { readonly kind: "layout"; readonly layout: LayoutReference };

/** Without a tag or a digest it is `latest`. Throws EvidenceError "usage". */
export function parseLocation(text: string): Location {
  const layout = parseLayoutReference(text);
  if (layout !== undefined) return { kind: "layout", layout: layout.digest === undefined ? { ...layout, tag: layout.tag ?? "latest" } : layout };
  return { kind: "registry", reference: parseImageReference(text) };
}

/** Throws EvidenceError "usage", in distribution's words. */
function parseImageReference(text: string): Reference {
  try {
    const reference = tagNameOnly(parseReference(text));
    if (reference.digest !== undefined) parseDigest(reference.digest);
    return reference;
  } catch (cause) {
    if (cause instanceof InvalidDigestError) throw new EvidenceError("usage", `${text}: only sha256 digests are supported`, { cause });
    if (!(cause instanceof InvalidReferenceError)) throw cause;
    throw new EvidenceError("usage", cause.message, { cause });
  }
}

export function locationText(location: Location): string {
  return location.kind === "registry" ? formatReference(location.reference) : formatLayoutReference(location.layout);
}

/** The repository, or the layout, without what is named in it. */
export function placeName(location: Location): string {
  return location.kind === "registry" ? repositoryName(location.reference) : location.layout.path;
}

/** What a tag, or a digest where there is one, stands for in its place. */
export function tagOrDigest(location: Location): string {
  const { tag, digest } = location.kind === "registry" ? location.reference : location.layout;
  return digest ?? tag ?? "latest";
}

export function atDigest(location: Location, digest: Digest): Location {
  if (location.kind === "layout") return { kind: "layout", layout: { path: location.layout.path, tag: undefined, digest } };
  const { domain, path } = location.reference;
  return { kind: "registry", reference: { domain, path, digest } };
}
