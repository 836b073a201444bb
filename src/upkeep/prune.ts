import { statfs } from "node:fs/promises";
import type { OpenStore } from "./open-store.ts";
import { diskUsage } from "./disk-usage.ts";
import { forgetRemoved } from "./forget-removed.ts";
import { RemovalOrder } from "./removal-order.ts";
import { isForAllOnly, type UsageRecord } from "./usage-record.ts";

/** What may go, in BuildKit's terms. Bytes of 0 ask for nothing; all of them 0: whatever passes goes. */
export interface PrunePolicy {
  /** Also what is kept beside layers, caches and mirrors: blobs, and images of frontends. */
  readonly all: boolean;
  readonly passes: (record: UsageRecord) => boolean;
  /** Never less than this is kept. */
  readonly reservedBytes: number;
  readonly maxUsedBytes: number;
  readonly minFreeBytes: number;
}

/** What hears of a collection, and what stops it. */
export interface PruneRun {
  readonly onRemoved: (record: UsageRecord) => void;
  readonly signal: AbortSignal;
}

/** What a collection left. */
export interface Pruned {
  readonly left: readonly UsageRecord[];
  /** The bounds are kept; what passes and is left was not asked for. */
  readonly isEnough: boolean;
}

/**
 * Takes away what passes and no process uses, in BuildKit's order, until the bounds are kept. Tells of each as it goes. What a build uses stays, also of a build that begins meanwhile: whoever finds something in the store holds it.
 */
export async function prune(store: OpenStore, policy: PrunePolicy, onRemoved: (record: UsageRecord) => void, signal: AbortSignal): Promise<void> {
  try {
    await pruneRecords(store.root, await diskUsage(store), policy, { onRemoved, signal });
  } finally {
    forgetRemoved(store);
  }
}

/** The same of what is known to be in the store. What was said of it elsewhere is left to the caller: forgetRemoved. */
export async function pruneRecords(root: string, records: readonly UsageRecord[], { all, passes, ...bounds }: PrunePolicy, { onRemoved, signal }: PruneRun): Promise<Pruned> {
  let totalBytes = records.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const keptBytes = bytesToKeep(totalBytes, bounds, await freeBytes(root));
  const isEnough = (): boolean => keptBytes !== undefined && totalBytes <= keptBytes;
  const left = new Set(records);
  const take = async (record: UsageRecord): Promise<boolean> => {
    signal.throwIfAborted();
    if (!(await record.remove())) return false;
    left.delete(record);
    totalBytes -= record.sizeBytes;
    onRemoved(record);
    return true;
  };
  const candidates = records.filter((record) => (all || !isForAllOnly(record)) && !record.isInUse && passes(record));
  if (keptBytes === undefined) for (const record of candidates.toSorted((a, b) => a.usedMs - b.usedMs)) await take(record);
  else {
    const order = new RemovalOrder(candidates, left);
    for (let record = isEnough() ? undefined : order.next(); record !== undefined; record = isEnough() ? undefined : order.next()) {
      if (await take(record)) order.took(record);
      else order.pass(record);
    }
  }
  return { left: [...left], isEnough: isEnough() };
}

/** BuildKit's rule; undefined: nothing is to be kept for its size. */
export function bytesToKeep(totalBytes: number, { reservedBytes, maxUsedBytes, minFreeBytes }: Omit<PrunePolicy, "all" | "passes">, freeBytesNow: number): number | undefined {
  if (reservedBytes === 0 && maxUsedBytes === 0 && minFreeBytes === 0) return undefined;
  const excess = minFreeBytes - freeBytesNow;
  const bounds = [...(maxUsedBytes > 0 ? [maxUsedBytes] : []), ...(minFreeBytes > 0 ? [totalBytes - Math.max(0, excess)] : [])];
  return Math.max(reservedBytes, bounds.length === 0 ? 0 : Math.min(...bounds));
}

async function freeBytes(root: string): Promise<number> {
  const { bavail, bsize } = await statfs(root);
  return bavail * bsize;
}
