import type { ByteStream } from "../content/blob-store.ts";
import type { Digest, DiffId } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { FetchedManifest } from "../registry/repository.ts";

/** Where the blobs of a cache lie. */
export interface CacheBlobs {
  /** As people name the cache. */
  readonly name: string;
  /** The repository that holds it, for mounting its blobs into another; undefined where it is in no registry. */
  readonly repository: string | undefined;
  hasBlob(descriptor: Descriptor, signal: AbortSignal): Promise<boolean>;
  /** Throws rather than end on other bytes than the descriptor names. */
  blob(descriptor: Descriptor, signal: AbortSignal): ByteStream;
}

/** A cache that has a manifest: in a registry, or in an OCI layout. */
export interface ManifestSource extends CacheBlobs {
  manifest(digest: Digest, signal: AbortSignal): Promise<FetchedManifest>;
}

/** A layer of a cache, with what is needed to take it for a layer. */
export interface SharedLayer {
  readonly descriptor: Descriptor;
  readonly diffId: DiffId;
  readonly createdNs: bigint | undefined;
}
