import { goJson } from "../content/go-json.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageIndex } from "../oci/manifest.ts";
import { indexInOrder } from "../oci/member-order.ts";
import { parseReference, tagNameOnly } from "../oci/reference.ts";
import { parseLayoutReference } from "../registry/oci-layout.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import type { Repository } from "../registry/repository.ts";
import { openImage, type OpenImage } from "../trace/open-image.ts";
import { EvidenceError } from "./evidence-error.ts";

/** An image in a registry whose evidence is about to change. */
export interface PublishedImage extends AsyncDisposable {
  readonly open: OpenImage;
  /** For reading too: what is changed is read from the registry itself, not from a mirror. */
  readonly repository: Repository;
  /** What moves when the image gets another index; undefined where it was asked for by digest alone. */
  readonly tag: string | undefined;
}

/** Throws EvidenceError "usage" for a layout; ImageError, RegistryError, InvalidReferenceError. */
export async function openPublishedImage(name: string, client: RegistryClient, signal: AbortSignal): Promise<PublishedImage> {
  if (parseLayoutReference(name) !== undefined) throw new EvidenceError("usage", `${name}: only images in registries can be changed; a layout is written anew by a build`);
  const reference = tagNameOnly(parseReference(name));
  const repository = client.repository(reference, "push");
  const open = await openImage(name, { client: { repository: () => repository }, cwd: "/" }, signal);
  return { open, repository, tag: reference.tag, [Symbol.asyncDispose]: () => open[Symbol.asyncDispose]() };
}

/**
 * Gives an image another index: the tag moves, unless it was moved meanwhile. All that the index names has to be there.
 * Throws EvidenceError "changed".
 */
export async function replaceIndex({ open, repository, tag }: PublishedImage, index: ImageIndex, signal: AbortSignal): Promise<Descriptor> {
  const { digest } = open.record.root;
  const now = tag === undefined ? digest : (await repository.resolve(tag, signal))?.digest;
  if (now !== digest) throw new EvidenceError("changed", `${open.fullName}: the tag was moved meanwhile: it named ${digest}, and names ${now ?? "nothing"} now; run this again`);
  return await repository.putManifest({ tag, mediaType: index.mediaType, bytes: Buffer.from(goJson(indexInOrder(index), "  ")) }, signal);
}
