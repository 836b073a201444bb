import { join } from "node:path/posix";
import { readCounters, readKernelText, readNumber } from "./counters.ts";
import { readPressure } from "./pressure.ts";
import type { UsageObject } from "./usage-tree.ts";

/** Documentation/admin-guide/cgroup-v2.rst, in the members and the order of BuildKit's samples. */
export async function groupUsageV2(directory: string): Promise<UsageObject> {
  const [cpuStat, memoryStat, ioStat, current] = await Promise.all([cpu(directory), memory(directory), io(directory), readNumber(join(directory, "pids.current"))]);
  return { cpuStat, memoryStat, ioStat, pidsStat: { current } };
}

async function cpu(directory: string): Promise<UsageObject | undefined> {
  const stat = await readCounters(join(directory, "cpu.stat"));
  if (stat === undefined) return undefined;
  const nanos = (name: string): number | undefined => {
    const micros = stat.get(name);
    return micros === undefined ? undefined : micros * 1000;
  };
  return {
    usageNanos: nanos("usage_usec"), userNanos: nanos("user_usec"), systemNanos: nanos("system_usec"),
    nrPeriods: stat.get("nr_periods"), nrThrottled: stat.get("nr_throttled"), throttledNanos: nanos("throttled_usec"),
    pressure: await readPressure(join(directory, "cpu.pressure")),
  };
}

/** Members → names in memory.stat. */
const MEMORY: ReadonlyArray<readonly [member: string, name: string]> = [
  ["anon", "anon"], ["file", "file"], ["kernelStack", "kernel_stack"], ["pageTables", "pagetables"], ["sock", "sock"], ["shmem", "shmem"],
  ["fileMapped", "file_mapped"], ["fileDirty", "file_dirty"], ["fileWriteback", "file_writeback"], ["slab", "slab"],
  ["pgscan", "pgscan"], ["pgsteal", "pgsteal"], ["pgfault", "pgfault"], ["pgmajfault", "pgmajfault"],
];

/** Members → names in memory.events; those that never happened are left out. */
const EVENTS: ReadonlyArray<readonly [member: string, name: string]> = [
  ["lowEvents", "low"], ["highEvents", "high"], ["maxEvents", "max"], ["oomEvents", "oom"], ["oomKillEvents", "oom_kill"],
];

async function memory(directory: string): Promise<UsageObject | undefined> {
  const stat = await readCounters(join(directory, "memory.stat"));
  if (stat === undefined) return undefined;
  const events = await readCounters(join(directory, "memory.events"));
  return {
    swapBytes: await readNumber(join(directory, "memory.swap.current")),
    ...Object.fromEntries(MEMORY.map(([member, name]) => [member, stat.get(name)])),
    peak: await readNumber(join(directory, "memory.peak")),
    ...Object.fromEntries(EVENTS.map(([member, name]) => [member, events?.get(name) || undefined])),
    pressure: await readPressure(join(directory, "memory.pressure")),
  };
}

/** How many processes of the group and of those below it the kernel has ended for want of memory. */
export async function memoryKillsV2(directory: string): Promise<number> {
  return (await readCounters(join(directory, "memory.events")))?.get("oom_kill") ?? 0;
}

/** Members → names in io.stat, which has a line for each device: `8:0 rbytes=1 wbytes=2 …`. */
const IO: ReadonlyArray<readonly [member: string, name: string]> = [
  ["readBytes", "rbytes"], ["writeBytes", "wbytes"], ["discardBytes", "dbytes"], ["readIOs", "rios"], ["writeIOs", "wios"], ["discardIOs", "dios"],
];

async function io(directory: string): Promise<UsageObject | undefined> {
  const text = await readKernelText(join(directory, "io.stat"));
  if (text === undefined) return undefined;
  const sums = new Map<string, number>();
  for (const [, name = "", value] of text.matchAll(/(\w+)=(\d+)/g)) sums.set(name, (sums.get(name) ?? 0) + Number(value));
  return { ...Object.fromEntries(IO.map(([member, name]) => [member, sums.get(name)])), pressure: await readPressure(join(directory, "io.pressure")) };
}
