import type { BlobStore } from "../content/blob-store.ts";
import { bytesOf } from "../content/bytes.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import { goJson } from "../content/go-json.ts";
import { rfc3339Nano } from "../content/timestamp.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { estargzAnnotations } from "../oci/estargz-annotations.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { CACHE_CONFIG_TYPE, writeCacheConfig, type CacheConfig } from "./cache-config.ts";
import type { SharedLayer } from "./cache-source.ts";
import { CREATED_ANNOTATION, UNCOMPRESSED_ANNOTATION } from "./read-cache.ts";

/** What names the parts of a cache: an image's manifest with the configuration in its place, or an index of blobs. */
export interface CacheRootForm {
  readonly root: "manifest" | "index";
  readonly mediaTypes: "oci" | "docker";
}

/** A cache whose every byte is decided. */
export interface AssembledCache {
  readonly root: Descriptor;
  readonly config: Descriptor;
  /** Each blob once. */
  readonly layers: readonly Descriptor[];
  /** The root and the configuration. */
  readonly documents: ReadonlyMap<Digest, Uint8Array>;
}

/** `layer` knows all blobs that the configuration speaks of. */
export function assembleCache(config: CacheConfig, layer: (blob: Digest) => SharedLayer, form: CacheRootForm): AssembledCache {
  const bytes = writeCacheConfig(config);
  const configDescriptor: Descriptor = { mediaType: CACHE_CONFIG_TYPE, digest: digestOf(bytes), size: bytes.byteLength };
  const layers = config.layers.map(({ blob }) => described(layer(blob)));
  const document = form.root === "manifest"
    ? { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config: configDescriptor, layers }
    : { schemaVersion: 2, mediaType: form.mediaTypes === "oci" ? MEDIA_TYPE.ociIndex : MEDIA_TYPE.dockerIndex, manifests: [...layers, configDescriptor] };
  const rootBytes = Buffer.from(goJson(document));
  const root: Descriptor = { mediaType: document.mediaType, digest: digestOf(rootBytes), size: rootBytes.byteLength };
  return {
    root, config: configDescriptor,
    layers: [...new Map(layers.map((each) => [each.digest, each])).values()],
    documents: new Map([[configDescriptor.digest, bytes], [root.digest, rootBytes]]),
  };
}

function described({ descriptor, diffId, createdNs }: SharedLayer): Descriptor {
  const { mediaType, digest, size } = descriptor;
  const annotations = { ...(createdNs === undefined ? {} : { [CREATED_ANNOTATION]: rfc3339Nano(createdNs) }), [UNCOMPRESSED_ANNOTATION]: diffId, ...estargzAnnotations(descriptor).annotations };
  return { mediaType, digest, size, annotations: Object.fromEntries(Object.entries(annotations).toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}

/** Reads documents from memory, and layers where they are. */
export function cacheContent({ documents }: AssembledCache, layers: Pick<BlobStore, "read">): Pick<BlobStore, "read"> {
  return {
    read(digest, signal, chunks) {
      const document = documents.get(digest);
      return document === undefined ? layers.read(digest, signal, chunks) : bytesOf(document);
    },
  };
}
