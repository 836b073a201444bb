/** What a record keeps, in BuildKit's words. `internal`: blobs, as images and downloads have them. `frontend`: layers of images that frontends are run from. */
export type UsageType = "regular" | "internal" | "frontend" | "exec.cachemount" | "source.git.checkout";

/** One thing in the store that takes room and can be made again. */
export interface UsageRecord {
  readonly id: string;
  readonly type: UsageType;
  /** What it was made of, the last one first; empty where nothing is known. */
  readonly parents: readonly string[];
  readonly description: string;
  readonly sizeBytes: number;
  /** Milliseconds since the epoch. */
  readonly createdMs: number;
  readonly usedMs: number;
  /** In how many builds. */
  readonly useCount: number;
  /** Can change: a cache that steps write into. */
  readonly isMutable: boolean;
  /** Some process uses it at this moment. */
  readonly isInUse: boolean;
  /** False, and nothing done, where some process uses it, or it is gone. */
  readonly remove: () => Promise<boolean>;
}

/** What a collection takes only if all may go: every build with such a frontend would fetch it again. */
export function isForAllOnly({ type }: UsageRecord): boolean {
  return type === "internal" || type === "frontend";
}
