import { readCounters, readKernelText, readNumber } from "./counters.ts";
import type { UsageObject } from "./usage-tree.ts";

/**
 * The same members from Documentation/admin-guide/cgroup-v1, where one means the same: BuildKit measures version 2 only.
 * Undefined where no controller has the group. Nothing of version 1 tells of pressure.
 */
export async function groupUsageV1(directoryOf: (controller: string) => string): Promise<UsageObject | undefined> {
  const file = (name: string, controller = name.slice(0, name.indexOf("."))): string => `${directoryOf(controller)}/${name}`;
  const [cpuStat, memoryStat, ioStat, current] = await Promise.all([cpu(file), memory(file), io(file), readNumber(file("pids.current"))]);
  if (cpuStat === undefined && memoryStat === undefined && ioStat === undefined && current === undefined) return undefined;
  return { cpuStat, memoryStat, ioStat, pidsStat: { current } };
}

type FileOf = (name: string, controller?: string) => string;

async function cpu(file: FileOf): Promise<UsageObject | undefined> {
  const usageNanos = await readNumber(file("cpuacct.usage"));
  if (usageNanos === undefined) return undefined;
  const [userNanos, systemNanos, stat] = await Promise.all([readNumber(file("cpuacct.usage_user")), readNumber(file("cpuacct.usage_sys")), readCounters(file("cpu.stat"))]);
  return { usageNanos, userNanos, systemNanos, nrPeriods: stat?.get("nr_periods"), nrThrottled: stat?.get("nr_throttled"), throttledNanos: stat?.get("throttled_time") };
}

/** Members → names in memory.stat; `total_` counts the groups below too. */
const MEMORY: ReadonlyArray<readonly [member: string, name: string]> = [
  ["swapBytes", "total_swap"], ["anon", "total_rss"], ["file", "total_cache"], ["shmem", "total_shmem"], ["fileMapped", "total_mapped_file"],
  ["fileDirty", "total_dirty"], ["fileWriteback", "total_writeback"], ["pgfault", "total_pgfault"], ["pgmajfault", "total_pgmajfault"],
];

async function memory(file: FileOf): Promise<UsageObject | undefined> {
  const stat = await readCounters(file("memory.stat"));
  if (stat === undefined) return undefined;
  return { ...Object.fromEntries(MEMORY.map(([member, name]) => [member, stat.get(name)])), peak: await readNumber(file("memory.max_usage_in_bytes")) };
}

async function io(file: FileOf): Promise<UsageObject | undefined> {
  const [bytes, count] = await Promise.all([readKernelText(file("blkio.throttle.io_service_bytes_recursive")), readKernelText(file("blkio.throttle.io_serviced_recursive"))]);
  if (bytes === undefined || count === undefined) return undefined;
  const [sizes, counts] = [ioSums(bytes), ioSums(count)];
  return {
    readBytes: sizes.get("Read"), writeBytes: sizes.get("Write"), discardBytes: sizes.get("Discard"),
    readIOs: counts.get("Read"), writeIOs: counts.get("Write"), discardIOs: counts.get("Discard"),
  };
}

/** Lines `8:0 Read 4096` of each device, and a last one `Total 4096` of all. */
function ioSums(text: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const [, operation = "", value] of text.matchAll(/^\d+:\d+ (\w+) (\d+)$/gm)) sums.set(operation, (sums.get(operation) ?? 0) + Number(value));
  return sums;
}
