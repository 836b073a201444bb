import type { Digest, DiffId } from "../content/digest.ts";
import { goJson } from "../content/go-json.ts";
import { rfc3339Nano } from "../content/timestamp.ts";

/** BuildKit's cache configuration (cache/remotecache/v1/types/spec.go): what was made of what, and in which layers it lies. */
export const CACHE_CONFIG_TYPE = "application/vnd.buildkit.cacheconfig.v0";

export interface CacheConfig {
  readonly layers: readonly CacheLayer[];
  readonly records: readonly CacheRecord[];
}

export interface CacheLayer {
  readonly blob: Digest;
  /** Index of the layer below; -1 for none. */
  readonly parent: number;
  /** Where there is no manifest that would say it. */
  readonly annotations: LayerAnnotations | undefined;
}

export interface LayerAnnotations {
  readonly mediaType: string;
  readonly diffId: DiffId;
  readonly sizeBytes: number;
  readonly createdNs: bigint;
}

export interface CacheRecord {
  readonly digest: Digest;
  /** For each input, what leads to it. */
  readonly inputs: ReadonlyArray<readonly CacheLink[]>;
  readonly results: readonly CacheResult[];
}

export interface CacheLink {
  /** Empty for all of the input. */
  readonly selector: string;
  /** Index of a record. */
  readonly link: number;
}

/** Layers by their indexes: one with all that it stands on, or each of them from the base up. */
export type CacheResult =
  | { readonly kind: "chain"; readonly top: number; readonly createdNs: bigint }
  | { readonly kind: "picked"; readonly layers: readonly number[]; readonly createdNs: bigint };

/** Members in BuildKit's order, the empty ones left out: equal configurations have equal digests. */
export function writeCacheConfig({ layers, records }: CacheConfig): Uint8Array {
  return Buffer.from(goJson({ layers: nonEmpty(layers.map(writtenLayer)), records: nonEmpty(records.map(writtenRecord)) }));
}

/** What stands in an image's configuration: the records alone, since its layers are those of the image. */
export function writeCacheRecords(records: readonly CacheRecord[]): Uint8Array {
  return Buffer.from(goJson(records.map(writtenRecord)));
}

function writtenLayer({ blob, parent, annotations }: CacheLayer): object {
  const { mediaType, diffId, sizeBytes, createdNs = 0n } = annotations ?? {};
  return { blob, parent: parent === 0 ? undefined : parent, annotations: annotations && { mediaType, diffID: diffId, size: sizeBytes === 0 ? undefined : sizeBytes, createdAt: rfc3339Nano(createdNs) } };
}

function writtenRecord({ digest, inputs, results }: CacheRecord): object {
  return {
    layers: nonEmpty(results.flatMap((result) => (result.kind === "chain" ? [{ layer: result.top, createdAt: rfc3339Nano(result.createdNs) }] : []))),
    chains: nonEmpty(results.flatMap((result) => (result.kind === "picked" ? [{ layers: result.layers, createdAt: rfc3339Nano(result.createdNs) }] : []))),
    digest,
    inputs: nonEmpty(inputs.map((links) => links.map(({ selector, link }) => ({ selector: selector === "" ? undefined : selector, link })))),
  };
}

function nonEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}
