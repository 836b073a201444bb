import type { Digest } from "../../content/digest.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { ImageIndex, Manifest } from "../../oci/manifest.ts";
import { isIndex, isManifest } from "../../oci/media-type.ts";
import { parseIndex, parseManifest } from "../../trace/document.ts";
import { isEvidence } from "../evidence-type.ts";
import { EvidenceError } from "../evidence-error.ts";
import type { NewRoot, SourcePlace } from "./combine.ts";
import { locationText } from "./location.ts";

/** Manifests in one image, with all that refers to them. More are an attack or a mistake. */
const MANIFESTS_MAX = 10_000;

/** A manifest or an index, with where it was read. */
export interface CopiedDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly place: SourcePlace;
  readonly value: { readonly kind: "index"; readonly index: ImageIndex } | { readonly kind: "manifest"; readonly manifest: Manifest };
}

/** A manifest that says to be about another one. */
export interface CopiedReferrer {
  readonly subject: Digest;
  readonly document: CopiedDocument;
}

/** Everything that goes along with a new image, and where each part is to be had. */
export interface CopySet {
  readonly documents: ReadonlyMap<Digest, CopiedDocument>;
  readonly blobs: ReadonlyMap<Digest, { readonly descriptor: Descriptor; readonly place: SourcePlace }>;
  /** Evidence that refers to one of the documents and that no index names; each after what it is about. */
  readonly referrers: readonly CopiedReferrer[];
  /** What else refers to them, and stays behind. */
  readonly left: ReadonlyArray<{ readonly subject: Digest; readonly descriptor: Descriptor }>;
}

/** Reads every manifest of an image and of what refers to it; blobs are left where they are. */
export async function readCopySet(root: NewRoot, signal: AbortSignal): Promise<CopySet> {
  const reader = new CopySetReader(signal);
  await reader.addRoot(root);
  // Grows while it is walked: a signature may refer to an attestation that refers to an image.
  for (const document of reader.documents.values()) await reader.addReferrers(document);
  return reader;
}

class CopySetReader implements CopySet {
  readonly documents = new Map<Digest, CopiedDocument>();
  readonly blobs = new Map<Digest, { readonly descriptor: Descriptor; readonly place: SourcePlace }>();
  readonly referrers: CopiedReferrer[] = [];
  readonly left: Array<CopySet["left"][number]> = [];
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async addRoot({ descriptor, bytes, entries }: NewRoot): Promise<void> {
    const [first] = entries;
    if (first === undefined) throw new EvidenceError("not-found", "none of the sources has an image");
    if (isIndex(descriptor.mediaType)) for (const entry of entries) await this.#addNamed(entry.descriptor, entry.place);
    await this.#add(descriptor, bytes, first.place);
  }

  async addReferrers({ descriptor, place }: CopiedDocument): Promise<void> {
    for (const listed of await place.source.referrers(descriptor.digest, this.#signal)) {
      if (!isManifest(listed.mediaType) || this.documents.has(listed.digest)) continue;
      const { bytes } = await place.source.manifest(listed.digest, this.#signal);
      const manifest = parseManifest(bytes, `${place.source.name}@${listed.digest}`);
      if (manifest.subject !== undefined && manifest.subject.digest !== descriptor.digest) continue;
      if (!isEvidence(listed, manifest)) {
        this.left.push({ subject: descriptor.digest, descriptor: listed });
        continue;
      }
      const document = await this.#add({ mediaType: listed.mediaType, digest: listed.digest, size: bytes.byteLength }, bytes, place);
      this.referrers.push({ subject: descriptor.digest, document });
    }
  }

  async #addNamed(descriptor: Descriptor, place: SourcePlace): Promise<void> {
    if (this.documents.has(descriptor.digest) || this.blobs.has(descriptor.digest)) return;
    if (!isIndex(descriptor.mediaType) && !isManifest(descriptor.mediaType)) return void this.blobs.set(descriptor.digest, { descriptor, place });
    const { bytes } = await place.source.manifest(descriptor.digest, this.#signal);
    await this.#add(descriptor, bytes, place);
  }

  async #add(descriptor: Descriptor, bytes: Uint8Array, place: SourcePlace): Promise<CopiedDocument> {
    const document = this.#put(descriptor, bytes, place);
    const { value } = document;
    const children = value.kind === "index" ? value.index.manifests : [value.manifest.config, ...value.manifest.layers];
    for (const child of children) {
      if (value.kind === "index") await this.#addNamed(child, place);
      else this.blobs.set(child.digest, { descriptor: child, place });
    }
    return document;
  }

  #put(descriptor: Descriptor, bytes: Uint8Array, place: SourcePlace): CopiedDocument {
    const what = `${locationText(place.location)}: ${descriptor.digest}`;
    const value = isIndex(descriptor.mediaType)
      ? ({ kind: "index", index: parseIndex(bytes, what) } as const)
      : ({ kind: "manifest", manifest: parseManifest(bytes, what) } as const);
    const document = { descriptor, bytes, place, value };
    this.documents.set(descriptor.digest, document);
    if (this.documents.size > MANIFESTS_MAX) throw new EvidenceError("usage", `${what}: more than ${MANIFESTS_MAX} manifests`);
    return document;
  }
}
