import { readFileSync, renameSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../host/clock.ts";
import { policyFilter, resolvePolicy, type CollectionPolicy, type ResolvedPolicy } from "./collection-policy.ts";
import { diskUsage, names } from "./disk-usage.ts";
import { forgetRemoved } from "./forget-removed.ts";
import { openStore, type OpenStore } from "./open-store.ts";
import { pruneRecords, type Pruned } from "./prune.ts";
import { isForAllOnly, type UsageRecord } from "./usage-record.ts";

/** In a state root: what the last collection found that took nothing. */
const SETTLED = "collected.json";

/** Says that nothing is to be collected while the store is as it was seen, and until then. */
interface Settled {
  readonly policies: readonly ResolvedPolicy[];
  readonly seen: string;
  /** Milliseconds since the epoch; null: for good. */
  readonly untilMs: number | null;
}

/** In the order of the policies; each sees what the ones before it left. What a process uses stays, this one's own too. */
export async function collect(root: string, policies: readonly CollectionPolicy[], signal: AbortSignal): Promise<void> {
  const { blocks, bavail, bsize } = await statfs(root);
  const resolved = policies.map((policy) => resolvePolicy(policy, blocks * bsize));
  const nowMs = systemClock.now().getTime();
  // Before anything is counted: what others write meanwhile makes the store another one than what was seen.
  const seen = look(root);
  if (resolved.every(({ minFreeBytes }) => minFreeBytes <= bavail * bsize) && isSettled(readSettled(root), { policies: resolved, seen, untilMs: nowMs })) return;
  await using store = await openStore(root);
  if (store === undefined) return;
  const { untilMs, hasRemoved } = await apply(store, resolved, nowMs, signal);
  if (!hasRemoved && untilMs > nowMs) writeSettled(store, { policies: resolved, seen, untilMs: Number.isFinite(untilMs) ? untilMs : null });
}

/** Until when nothing would come of doing it again, if nothing changes: `nowMs` where something has to go that is in use. */
async function apply(store: OpenStore, policies: readonly ResolvedPolicy[], nowMs: number, signal: AbortSignal): Promise<{ readonly untilMs: number; readonly hasRemoved: boolean }> {
  let records = await diskUsage(store);
  let hasRemoved = false;
  let untilMs = Number.POSITIVE_INFINITY;
  const onRemoved = (): void => void (hasRemoved = true);
  try {
    for (const policy of policies) {
      const matches = policyFilter(policy.filters);
      const passes = (record: UsageRecord): boolean => record.usedMs <= nowMs - policy.keepMs && matches(record);
      const pruned = await pruneRecords(store.root, records, { ...policy, passes }, { onRemoved, signal });
      untilMs = Math.min(untilMs, Math.max(nowMs, nextDue(pruned, policy, matches)));
      records = pruned.left;
    }
  } finally {
    if (hasRemoved) forgetRemoved(store);
  }
  return { untilMs, hasRemoved };
}

/** When the first of what is left has been unused for long enough. */
function nextDue({ left, isEnough }: Pruned, { all, keepMs }: ResolvedPolicy, matches: (record: UsageRecord) => boolean): number {
  if (isEnough) return Number.POSITIVE_INFINITY;
  return left.filter((record) => (all || !isForAllOnly(record)) && matches(record)).reduce((first, { usedMs }) => Math.min(first, usedMs + keepMs), Number.POSITIVE_INFINITY);
}

/**
 * Times that change with whatever is added or taken away: of the directories of layers and blobs, of the locks of cache mounts, which each
 * use touches, and of what a fetch writes into a mirror. That a layer was used once more does not change them.
 */
function look(root: string): string {
  const within = (parent: string): readonly string[] => names(join(root, parent)).flatMap((folder) => names(join(root, parent, folder)).map((name) => join(parent, folder, name)));
  const locks = within("cache-mounts").filter((path) => path.endsWith(".lock"));
  const mirrors = within("git").filter((path) => /\/\d+$/.test(path)).flatMap((path) => [join(path, "refs", "stemma"), join(path, "objects", "pack")]);
  const watched = [join("layers", "layers"), join("blobs", "sha256"), ...[...locks, ...mirrors].toSorted()];
  return watched.map((path) => `${path} ${statSync(join(root, path), { throwIfNoEntry: false, bigint: true })?.mtimeNs ?? ""}`).join("\n");
}

function isSettled(last: Settled | undefined, now: Settled): boolean {
  return last?.seen === now.seen && (last.untilMs === null || (now.untilMs ?? 0) < last.untilMs) && JSON.stringify(last.policies) === JSON.stringify(now.policies);
}

/** Undefined for what is not there, and for what is none: then everything is counted. */
function readSettled(root: string): Settled | undefined {
  try {
    return JSON.parse(readFileSync(join(root, SETTLED), "utf8")) as Settled;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function writeSettled({ root, workspace }: OpenStore, settled: Settled): void {
  const claimed = workspace.claim();
  writeFileSync(join(claimed, SETTLED), JSON.stringify(settled));
  renameSync(join(claimed, SETTLED), join(root, SETTLED));
  rmdirSync(claimed);
}
