import type { ByteStream } from "../content/blob-store.ts";
import type { Digest } from "../content/digest.ts";
import type { GrowingBlob } from "../content/growing-blob.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { StreamedUpload } from "./streamed-upload.ts";

/** One repository of a registry. Every method rejects with RegistryError, or with `signal.reason`. */
export interface Repository {
  /** `docker.io/library/alpine`. */
  readonly name: string;
  /** What a tag or digest names now; undefined where there is no such thing. */
  resolve(tagOrDigest: string, signal: AbortSignal): Promise<Descriptor | undefined>;
  /** Whether the registry has it, also where it is of a type that `resolve` and `manifest` do not read. */
  hasManifest(digest: Digest, signal: AbortSignal): Promise<boolean>;
  /** The bytes have been checked against the digest. */
  manifest(digest: Digest, signal: AbortSignal): Promise<FetchedManifest>;
  /** The bytes of a blob, resumed where the connection breaks. Throws CorruptBlobError rather than end on wrong ones. */
  blob(descriptor: BlobDescriptor, signal: AbortSignal): ByteStream;
  hasBlob(digest: Digest, signal: AbortSignal): Promise<boolean>;
  /** Makes a blob of another repository of this registry (`library/alpine`) one of this. False where the registry will not. */
  mountBlob(digest: Digest, from: string, signal: AbortSignal): Promise<boolean>;
  uploadBlob(upload: BlobUpload, signal: AbortSignal): Promise<"mounted" | "uploaded">;
  /** Begins to send a blob that is still being made: for `uploadBlob`, else to be cancelled. */
  streamBlob(blob: GrowingBlob, onSent: (sentBytes: number) => void): StreamedUpload;
  /** Where the registry keeps no referrers itself, a `subject`'s list of them is brought up to date too. */
  putManifest(manifest: ManifestUpload, signal: AbortSignal): Promise<Descriptor>;
  /** What says of itself that it is about this manifest: by the referrers interface, else by the fallback tag. */
  referrers(digest: Digest, signal: AbortSignal): Promise<readonly Descriptor[]>;
  /** Takes manifests out of the fallback list of what refers to one, where there is such a list. */
  dropReferrers(subject: Digest, digests: ReadonlySet<Digest>, signal: AbortSignal): Promise<void>;
  tags(signal: AbortSignal): Promise<readonly string[]>;
  /** False where the registry only has fallback tags. */
  hasReferrers(signal: AbortSignal): Promise<boolean>;
  /** True where it was there. Every tag that names it goes with it. */
  deleteManifest(digest: Digest, signal: AbortSignal): Promise<boolean>;
  deleteBlob(digest: Digest, signal: AbortSignal): Promise<boolean>;
}

export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

export type BlobDescriptor = Pick<Descriptor, "digest" | "size" | "data" | "urls">;

export interface BlobUpload {
  readonly descriptor: BlobDescriptor;
  /** Called again for each attempt. */
  open(signal: AbortSignal): ByteStream;
  /** A repository of the same registry that may have it already. */
  readonly mountFrom: string | undefined;
  /** What was sent of it while it was made. */
  readonly streamed?: StreamedUpload | undefined;
}

export interface ManifestUpload {
  /** A tag; undefined stores it under its digest only. */
  readonly tag: string | undefined;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** True where an index names the manifest already: then no fallback tag is written for its `subject`, which every list of tags would show. */
  readonly namedByIndex?: boolean;
}
