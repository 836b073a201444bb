import { existsSync } from "node:fs";
import { join } from "node:path/posix";
import { groupUsageV1 } from "./group-usage-v1.ts";
import { groupUsageV2, memoryKillsV2 } from "./group-usage-v2.ts";
import type { UsageObject } from "./usage-tree.ts";

/** Where control groups are mounted, and the path of one below each of its trees. */
export interface MeasuredGroup {
  readonly version: 1 | 2;
  readonly root: string;
  readonly path: string;
}

/**
 * What the processes of one control group and those below it have used until now: processor, memory, block devices, number of
 * processes. Undefined where there is no such group. What the machine counts no sums of is left out.
 */
export async function readGroupUsage({ version, root, path }: MeasuredGroup): Promise<UsageObject | undefined> {
  if (version === 2) return existsSync(join(root, path)) ? await groupUsageV2(join(root, path)) : undefined;
  return await groupUsageV1((controller) => join(root, controller, path));
}

/** How many processes of one control group and those below it the kernel has ended for want of memory. Only version 2 counts those below: else zero. */
export async function readMemoryKills({ version, root, path }: MeasuredGroup): Promise<number> {
  return version === 2 ? await memoryKillsV2(join(root, path)) : 0;
}
