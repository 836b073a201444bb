import type { CacheKey } from "./cache-key.ts";

/** What is remembered under a key. */
export interface CacheRecord<R> {
  /** The key that stands for these results in the keys of whatever uses them. */
  readonly outputKey: CacheKey;
  readonly results: readonly R[];
}

/** Results of earlier builds, also of other processes. */
export interface ResultCache<R> {
  /** Undefined also when the record is there but what it speaks of is not any more. */
  find(key: CacheKey, signal: AbortSignal): Promise<CacheRecord<R> | undefined>;
  save(key: CacheKey, record: CacheRecord<R>): Promise<void>;
}

/** Remembers for as long as it lives. */
export function memoryResultCache<R>(): ResultCache<R> {
  const records = new Map<CacheKey, CacheRecord<R>>();
  return {
    find: async (key) => records.get(key),
    save: async (key, record) => void records.set(key, record),
  };
}
