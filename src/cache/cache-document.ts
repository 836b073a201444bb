import { collectFetched } from "../content/from-another.ts";
import { parseRfc3339 } from "../content/timestamp.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { CacheConfig } from "./cache-config.ts";
import { CacheError } from "./cache-error.ts";
import type { ManifestSource, SharedLayer } from "./cache-source.ts";
import { digestOfText } from "./parse-cache-config.ts";

/** A configuration is held in memory whole. BuildKit itself reads none above 1 MiB. */
export const CONFIG_BYTES_MAX: number = 32 * 1024 * 1024;

/** A configuration with the layers that it speaks of; undefined for one that cannot be had. */
export interface ReadCache {
  readonly config: CacheConfig;
  readonly layer: (index: number) => SharedLayer | undefined;
}

/** A document of a cache, checked against its digest. Throws CacheError ("invalid") for one that is too large. */
export async function readDocument(source: ManifestSource, descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array> {
  const named = { ...descriptor, digest: digestOfText(descriptor.digest) };
  if (!(descriptor.size <= CONFIG_BYTES_MAX)) throw new CacheError("invalid", `${source.name}: ${named.digest} has ${descriptor.size} bytes, more than ${CONFIG_BYTES_MAX}`);
  return await collectFetched(() => source.blob(named, signal), CONFIG_BYTES_MAX);
}

/** Undefined also for a time that is none: it is told, and decides nothing. */
export function timeOf(text: string | undefined): bigint | undefined {
  try {
    return text === undefined || text === "" ? undefined : parseRfc3339(text);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
