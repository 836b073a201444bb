import { UpkeepError } from "./upkeep-error.ts";
import { usageFilter } from "./usage-filter.ts";
import type { UsageRecord } from "./usage-record.ts";

/** Room as the settings file says it: so many bytes, or a part of the disk, which may have an upper bound. */
export type Space = { readonly bytes: number } | { readonly percent: number; readonly maxBytes?: number };

/** What is collected after builds, in the words of BuildKit's `gcpolicy`. A space of 0 bytes asks for nothing. */
export interface CollectionPolicy {
  readonly all: boolean;
  /** What was used since stays; 0: age says nothing. */
  readonly keepMs: number;
  /** A record passes where one of them lets it pass; none: all pass. */
  readonly filters: readonly string[];
  readonly reserved: Space;
  readonly maxUsed: Space;
  readonly minFree: Space;
}

/** The same on the disk that it is for. */
export interface ResolvedPolicy extends Pick<CollectionPolicy, "all" | "keepMs" | "filters"> {
  readonly reservedBytes: number;
  readonly maxUsedBytes: number;
  readonly minFreeBytes: number;
}

const GIB = 2 ** 30;
const GB = 1e9;

export function resolvePolicy({ all, keepMs, filters, reserved, maxUsed, minFree }: CollectionPolicy, diskBytes: number): ResolvedPolicy {
  return { all, keepMs, filters, reservedBytes: bytesOf(reserved, diskBytes), maxUsedBytes: bytesOf(maxUsed, diskBytes), minFreeBytes: bytesOf(minFree, diskBytes) };
}

/** A part of the disk is rounded up as BuildKit rounds it. */
function bytesOf(space: Space, diskBytes: number): number {
  if ("bytes" in space) return space.bytes;
  return space.percent === 0 ? 0 : Math.min(space.maxBytes ?? Number.POSITIVE_INFINITY, (Math.floor((diskBytes * space.percent) / 100 / GIB) + 1) * GB);
}

/**
 * Filters of a policy: one of them must pass. In each, what stands between commas must all pass, in the words of `prune`;
 * values may be quoted. Throws UpkeepError.
 */
export function policyFilter(filters: readonly string[]): (record: UsageRecord) => boolean {
  if (filters.length === 0) return () => true;
  const tests = filters.map((filter) => usageFilter(selectors(filter), 0));
  return (record) => tests.some((test) => test(record));
}

function selectors(filter: string): readonly string[] {
  const parts = filter.match(/(?:"(?:[^"\\]|\\.)*"|[^",])+|(?<=,)(?=,|$)|^$/g) ?? [filter];
  return parts.map((part) => {
    if (/^(?:until|unused-for)\b/.test(part)) throw new UpkeepError(`filter ${JSON.stringify(part)}: use keepDuration for an age`);
    const [, field, quoted] = /^([a-z-]+(?:~=|!=|==|=))"((?:[^"\\]|\\.)*)"$/s.exec(part) ?? [];
    return field === undefined ? part : `${field}${(quoted ?? "").replaceAll(/\\(["\\])/g, "$1")}`;
  });
}
