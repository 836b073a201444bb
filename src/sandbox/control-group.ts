import { basename, join } from "node:path/posix";

/** What the processes of a step are held to; zero and the empty text are no limit. The names are those of LLB. */
export interface GroupLimits {
  /** Bytes. */
  readonly memory: bigint;
  /** Bytes of memory and swap together; -1 is as much swap as there is. */
  readonly memorySwap: bigint;
  readonly cpuShares: bigint;
  /** Microseconds; in each of them the processes may run for `cpuQuota`. */
  readonly cpuPeriod: bigint;
  readonly cpuQuota: bigint;
  /** `0-3,6` */
  readonly cpusetCpus: string;
  readonly cpusetMems: string;
}

/** The control group that a step asks for. */
export interface GroupRequest {
  /** Of the group that the step's is made in: a path below each tree of control groups; empty is the root. */
  readonly parent: string;
  /** What names the parent: the build, or the settings of the machine, which count only where there are control groups. */
  readonly namedBy: "--cgroup-parent" | "defaultCgroupParent";
  readonly limits: GroupLimits | undefined;
}

/** What control groups there are, as far as it decides of limits. */
export interface GroupGround {
  readonly controllers: ReadonlySet<string>;
  /** False where the kernel does not count swap; only version 1 tells. */
  readonly countsSwap: boolean;
  /** Processors and memory nodes of the whole machine, as the kernel writes them: `0-3`; empty where it does not tell. */
  readonly cpus: string;
  readonly mems: string;
  /** Version 2: the group on the way to the new one, from the root to its parent, that has processes of its own: none with limits can be made in it. Undefined where none has. */
  readonly busy: string | undefined;
}

/** Kernel's bounds, in microseconds (sched/core.c). */
export const PERIOD_MIN: bigint = 1_000n;
export const PERIOD_MAX: bigint = 1_000_000n;
export const QUOTA_MIN: bigint = 1_000n;
/** Kernel's bounds; what lies outside would be changed without a word. */
export const SHARES_MIN: bigint = 2n;
export const SHARES_MAX: bigint = 262_144n;

/** As the path that a runtime is told: below each tree, with neither `.` nor `..`. */
export function groupParent({ parent }: GroupRequest): string {
  return join("/", parent).replace(/(.)\/+$/, "$1");
}

/** The flags that asked for it. */
export function groupFlags({ parent, namedBy, limits }: GroupRequest): readonly string[] {
  const asked: ReadonlyArray<readonly [flag: string, is: boolean]> = [
    [namedBy, parent !== ""],
    ["--resource memory", (limits?.memory ?? 0n) !== 0n],
    ["--resource memory-swap", (limits?.memorySwap ?? 0n) !== 0n],
    ["--resource cpu-shares", (limits?.cpuShares ?? 0n) !== 0n],
    ["--resource cpu-period", (limits?.cpuPeriod ?? 0n) !== 0n],
    ["--resource cpu-quota", (limits?.cpuQuota ?? 0n) !== 0n],
    ["--resource cpuset-cpus", (limits?.cpusetCpus ?? "") !== ""],
    ["--resource cpuset-mems", (limits?.cpusetMems ?? "") !== ""],
  ];
  return asked.flatMap(([flag, is]) => (is ? [flag] : []));
}

/** Why no control group of this machine can be what is asked for, and what to do; undefined where one can. Pure. */
export function groupProblem({ parent, namedBy, limits }: GroupRequest, ground: GroupGround): string | undefined {
  return unitProblem(`${namedBy} ${parent}`, parent) ?? (limits === undefined ? undefined : memoryProblem(limits, ground) ?? cpuProblem(limits, ground) ?? cpusetProblem(limits, ground) ?? busyProblem({ parent, namedBy, limits }, ground));
}

function unitProblem(asked: string, parent: string): string | undefined {
  const [, slice] = /^([^:]*\.slice):/.exec(parent) ?? [];
  return slice === undefined ? undefined : `${asked} asks systemd for a unit, which is not supported: give the path of a control group, such as /${basename(slice)}`;
}

function busyProblem(request: GroupRequest, { busy }: GroupGround): string | undefined {
  const held = "has processes of its own, and so the kernel holds no group in it to limits";
  if (busy === undefined) return undefined;
  if (busy !== "/") return `${request.namedBy} ${request.parent}${busy === groupParent(request) ? "" : `: ${busy}`} ${held}: give a control group without processes`;
  return `${groupFlags(request).join(", ")}: the root of the control groups in this container ${held}: make a group, such as /sys/fs/cgroup/init, and write each number in /sys/fs/cgroup/cgroup.procs to its cgroup.procs before the build, or leave the limit out`;
}

function memoryProblem({ memory, memorySwap }: GroupLimits, { controllers, countsSwap }: GroupGround): string | undefined {
  if (memory === 0n && memorySwap === 0n) return undefined;
  if (!controllers.has("memory")) return missing("memory", memory === 0n ? "memory-swap" : "memory");
  if (memorySwap !== 0n && !countsSwap) return "--resource memory-swap: this kernel does not count swap: boot it with swapaccount=1, or leave the limit out";
  if (memorySwap <= 0n) return undefined;
  if (memory === 0n) return `--resource memory-swap=${memorySwap} is memory and swap together: give --resource memory too`;
  return memorySwap < memory ? `--resource memory-swap=${memorySwap} is memory and swap together: give at least memory's ${memory}` : undefined;
}

function cpuProblem({ cpuShares, cpuPeriod, cpuQuota }: GroupLimits, { controllers }: GroupGround): string | undefined {
  const asked = [["cpu-shares", cpuShares], ["cpu-period", cpuPeriod], ["cpu-quota", cpuQuota]] as const;
  const [first] = asked.filter(([, value]) => value !== 0n);
  if (first === undefined) return undefined;
  if (!controllers.has("cpu")) return missing("cpu", first[0]);
  if (cpuShares !== 0n && (cpuShares < SHARES_MIN || cpuShares > SHARES_MAX)) return `--resource cpu-shares=${cpuShares}: give ${SHARES_MIN} to ${SHARES_MAX}`;
  if (cpuPeriod !== 0n && (cpuPeriod < PERIOD_MIN || cpuPeriod > PERIOD_MAX)) return `--resource cpu-period=${cpuPeriod}: give ${PERIOD_MIN} to ${PERIOD_MAX} microseconds`;
  return cpuQuota !== 0n && cpuQuota < QUOTA_MIN ? `--resource cpu-quota=${cpuQuota}: give at least ${QUOTA_MIN} microseconds` : undefined;
}

function cpusetProblem({ cpusetCpus, cpusetMems }: GroupLimits, { controllers, cpus, mems }: GroupGround): string | undefined {
  for (const [key, wanted, there] of [["cpuset-cpus", cpusetCpus, cpus], ["cpuset-mems", cpusetMems, mems]] as const) {
    if (wanted === "") continue;
    if (!controllers.has("cpuset")) return missing("cpuset", key);
    const known = ranges(there);
    const lies = ([low, high]: Range): boolean => known.some(([from, to]) => from <= low && high <= to);
    if (there !== "" && !ranges(wanted).every(lies)) return `--resource ${key}=${wanted}: this machine has ${there}`;
  }
  return undefined;
}

function missing(controller: string, key: string): string {
  return `--resource ${key} needs the ${controller} controller, which /sys/fs/cgroup does not have here: mount or delegate it, or leave the limit out`;
}

type Range = readonly [low: number, high: number];

/** Of a set as the kernel and the flags write it. */
function ranges(set: string): readonly Range[] {
  return set.split(",").flatMap((element) => {
    const [low = "", high = low] = element.split("-").map((text) => text.trim());
    return low === "" ? [] : [[Number(low), Number(high)] as const];
  });
}
