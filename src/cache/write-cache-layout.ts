import { join } from "node:path";
import type { BlobStore } from "../content/blob-store.ts";
import type { Digest } from "../content/digest.ts";
import { goJson } from "../content/go-json.ts";
import type { ImageIndex } from "../oci/manifest.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { LayoutWriter } from "../store/layout-writer.ts";
import { indexLock, type WhileLocked } from "../store/while-locked.ts";
import type { AssembledCache } from "./assemble-cache.ts";
import { CacheError } from "./cache-error.ts";
import { listOf, objectOf, parseJson } from "./parse-cache-config.ts";

export interface CacheLayoutPlace {
  readonly path: string;
  readonly tag: string;
  /** Leaves nothing but this cache. */
  readonly reset: boolean;
  readonly whileLocked: WhileLocked;
}

const INDEX = "index.json";

const REF_NAME = "org.opencontainers.image.ref.name";

/** Writes a cache into an OCI layout. Its name comes last: who reads at the same time finds the old one, or the new one. */
export async function writeCacheLayout(cache: AssembledCache, content: Pick<BlobStore, "read">, { path, tag, reset, whileLocked }: CacheLayoutPlace, signal: AbortSignal): Promise<void> {
  const writer = new LayoutWriter(path);
  await writer.begin(signal);
  const blobs = [...cache.layers, cache.config, cache.root].map(({ digest }) => digest);
  for (const digest of blobs) await writer.blob(digest, () => content.read(digest, signal, "lent"), signal);
  // Others may write caches of other names at the same time.
  await whileLocked(indexLock(join(path, INDEX)), () => nameCache({ writer, cache, path, tag, reset, blobs }, signal), signal);
}

interface WrittenCache extends Omit<CacheLayoutPlace, "whileLocked"> {
  readonly writer: LayoutWriter;
  readonly cache: AssembledCache;
  readonly blobs: readonly Digest[];
}

async function nameCache({ writer, cache, path, tag, reset, blobs }: WrittenCache, signal: AbortSignal): Promise<void> {
  const others = reset ? [] : otherEntries(await writer.read(INDEX), path, tag);
  const entry = { ...cache.root, annotations: { [REF_NAME]: tag } };
  await writer.write(INDEX, Buffer.from(goJson({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [...others, entry] })), signal);
  if (reset) await writer.keepOnly(new Set(blobs));
}

function otherEntries(bytes: Uint8Array | undefined, path: string, tag: string): readonly unknown[] {
  if (bytes === undefined) return [];
  try {
    const index = objectOf(parseJson(bytes), "index.json") as Partial<ImageIndex>;
    return listOf(index.manifests, "entries", Number.MAX_SAFE_INTEGER).filter((entry) => (objectOf(entry, "an entry")["annotations"] as Record<string, unknown> | undefined)?.[REF_NAME] !== tag);
  } catch (error) {
    if (error instanceof CacheError) throw new CacheError("invalid", `${path} has an index.json that is no OCI layout's: ${error.message}`, { cause: error });
    throw error;
  }
}
