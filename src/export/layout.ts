import type { Entry } from "../archive/entry.ts";
import type { Member } from "../archive/member.ts";
import { bytesOf } from "../content/bytes.ts";
import type { BlobStore } from "../content/blob-store.ts";
import { goJson, goList } from "../content/go-json.ts";
import type { Digest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { familiarString, formatReference, parseReference, tagNameOnly } from "../oci/reference.ts";
import { SUBJECT_ANNOTATION } from "../oci/manifest.ts";
import type { AssembledImage } from "./assemble.ts";
import { artifactTypeOf } from "./attestation-manifest.ts";
import { isFoundBySubject } from "./evidence.ts";

/** An image with where its bytes can be read. */
export interface ReadableImage {
  readonly image: AssembledImage;
  readonly content: Pick<BlobStore, "read">;
}

export interface LayoutNaming {
  readonly names: readonly string[];
  /** For `org.opencontainers.image.created`, in RFC 3339 with whole seconds. */
  readonly created: string;
}

/** The files of an OCI image layout (image-spec, image-layout.md), in the order of a tar of it. Their chunks are lent. */
export function layoutMembers({ image, content }: ReadableImage, naming: LayoutNaming, signal: AbortSignal): AsyncIterable<Member> {
  return members({ image, content }, [["index.json", layoutIndex(image, naming)], ["oci-layout", OCI_LAYOUT]], signal);
}

/** The same, with the `manifest.json` that `docker load` reads. */
export function dockerMembers({ image, content }: ReadableImage, naming: LayoutNaming, signal: AbortSignal): AsyncIterable<Member> {
  const files: ReadonlyArray<readonly [string, Uint8Array]> = [
    ["index.json", layoutIndex(image, naming)],
    ["manifest.json", dockerManifest(image, naming.names)],
    ["oci-layout", OCI_LAYOUT],
  ];
  return members({ image, content }, files, signal);
}

const OCI_LAYOUT = Buffer.from(`{"imageLayoutVersion":"1.0.0"}`);

/** Every blob of an image once, by digest, so that the same image gives the same archive. */
export function blobSizes(image: AssembledImage): ReadonlyArray<readonly [Digest, number]> {
  const sizes = new Map<Digest, number>();
  for (const [digest, bytes] of image.documents) sizes.set(digest, bytes.byteLength);
  for (const { descriptor } of image.layers) sizes.set(descriptor.digest, descriptor.size);
  return [...sizes].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

async function* members({ image, content }: ReadableImage, files: ReadonlyArray<readonly [string, Uint8Array]>, signal: AbortSignal): AsyncIterable<Member> {
  yield { entry: entryOf("blobs", "directory", 0), content: bytesOf() };
  yield { entry: entryOf("blobs/sha256", "directory", 0), content: bytesOf() };
  for (const [digest, sizeBytes] of blobSizes(image)) {
    yield { entry: entryOf(`blobs/sha256/${digest.slice("sha256:".length)}`, "file", sizeBytes), content: content.read(digest, signal, "lent") };
  }
  for (const [name, bytes] of files) yield { entry: entryOf(name, "file", bytes.byteLength), content: bytesOf(bytes) };
}

function entryOf(path: string, kind: "file" | "directory", sizeBytes: number): Entry {
  const mode = kind === "directory" ? 0o755 : path.endsWith(".json") ? 0o644 : 0o444;
  return { path, kind, mode, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes };
}

/** One entry for each name, or one without a name; then what is found by its subject. */
function layoutIndex(image: AssembledImage, { names, created }: LayoutNaming): Uint8Array {
  const { root } = image;
  const annotationSets = names.length === 0 ? [{}] : names.map(nameAnnotations);
  const manifests = annotationSets.map((annotations): Descriptor => {
    const { platform, ...rest } = root;
    const sorted = { "org.opencontainers.image.created": created, ...root.annotations, ...annotations };
    return { ...rest, annotations: sortKeys(sorted), ...(platform === undefined ? {} : { platform }) };
  });
  return Buffer.from(goJson({ schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [...manifests, ...referrerEntries(image)] }));
}

/** An entry without a name is found by its manifest's subject; containerd's annotation says that it is one before that is read. */
function referrerEntries({ attestations, evidence }: AssembledImage): readonly Descriptor[] {
  if (!isFoundBySubject(evidence.place)) return [];
  return attestations.map(({ mediaType, digest, size, annotations = {} }) => ({
    mediaType, digest, size,
    annotations: sortKeys({ ...annotations, [SUBJECT_ANNOTATION]: annotations["vnd.docker.reference.digest"] ?? "" }),
    artifactType: artifactTypeOf(evidence),
  }));
}

function nameAnnotations(name: string): Record<string, string> {
  const reference = tagNameOnly(parseReference(name));
  const { tag = "", digest } = reference;
  return {
    "io.containerd.image.name": formatReference(reference),
    "org.opencontainers.image.ref.name": digest === undefined ? tag : `${tag}@${digest}`,
  };
}

function dockerManifest({ platforms, layers }: AssembledImage, names: readonly string[]): Uint8Array {
  const blob = (digest: Digest): string => `blobs/sha256/${digest.slice("sha256:".length)}`;
  const [platform] = platforms;
  const manifest = {
    Config: platform === undefined ? "" : blob(platform.config.digest),
    RepoTags: goList(names.map((name) => familiarString(tagNameOnly(parseReference(name))))),
    Layers: goList(layers.map(({ descriptor }) => blob(descriptor.digest))),
  };
  return Buffer.from(goJson([manifest]));
}

export function sortKeys(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
