import { systemClock } from "../../host/clock.ts";
import { parseCounters, readCounters, readKernelText } from "./counters.ts";
import { readPressure } from "./pressure.ts";
import { Sampling } from "./sampling.ts";
import type { UsageObject } from "./usage-tree.ts";

/** The kernel counts processor time in these for every program, whatever its own clock (proc_stat(5)). */
const TICKS_PER_SECOND = 100;

const SAMPLES_MAX = 20;

const CPU = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guestNice"] as const;

/** Members → names in /proc/meminfo. In KiB, as there and in BuildKit's records. */
const MEMORY: ReadonlyArray<readonly [member: string, name: string]> = [
  ["total", "MemTotal"], ["free", "MemFree"], ["available", "MemAvailable"], ["buffers", "Buffers"], ["cached", "Cached"], ["active", "Active"],
  ["inactive", "Inactive"], ["swap", "SwapTotal"], ["dirty", "Dirty"], ["writeback", "Writeback"], ["slab", "Slab"],
];

/** Processor time of the whole machine since it was started, in seconds by kind. */
export type CpuTimes = Readonly<Record<(typeof CPU)[number], number>>;

/** Undefined where there is no /proc. */
export async function readCpuTimes(proc = "/proc"): Promise<CpuTimes | undefined> {
  const stat = await readKernelText(`${proc}/stat`);
  return stat === undefined ? undefined : parseCpuTimes(stat);
}

/** What passed between two readings, to a millisecond. */
export function cpuTimesSince(before: CpuTimes, after: CpuTimes): UsageObject {
  return Object.fromEntries(CPU.map((kind) => [kind, Math.round((after[kind] - before[kind]) * 1000) / 1000]));
}

/** Samples of the whole machine, until they are finished. */
export function sampleMachine(): Sampling {
  return new Sampling({ read: () => readSystemUsage(), samplesMax: SAMPLES_MAX, clock: systemClock });
}

/** The whole machine, whoever uses it. Undefined where there is no /proc. */
export async function readSystemUsage(proc = "/proc"): Promise<UsageObject | undefined> {
  const [stat, memory] = await Promise.all([readKernelText(`${proc}/stat`), readCounters(`${proc}/meminfo`)]);
  if (stat === undefined || memory === undefined) return undefined;
  const counters = parseCounters(stat);
  const [cpuPressure, memoryPressure, ioPressure] = await Promise.all(["cpu", "memory", "io"].map((name) => readPressure(`${proc}/pressure/${name}`)));
  return {
    cpuStat: { ...parseCpuTimes(stat) },
    procStat: { contextSwitches: counters.get("ctxt") ?? 0, processCreated: counters.get("processes") ?? 0, processesRunning: counters.get("procs_running") ?? 0 },
    memoryStat: Object.fromEntries(MEMORY.map(([member, name]) => [member, memory.get(name) ?? null])),
    cpuPressure, memoryPressure, ioPressure,
  };
}

function parseCpuTimes(stat: string): CpuTimes {
  const ticks = /^cpu +(.*)$/m.exec(stat)?.[1]?.split(" ") ?? [];
  const times = CPU.map((kind, i) => [kind, Number(ticks[i] ?? 0) / TICKS_PER_SECOND] as const);
  // One entry for each kind.
  return Object.fromEntries(times) as CpuTimes;
}
