import { systemClock } from "../../host/clock.ts";
import { readGroupUsage, type MeasuredGroup } from "./group-usage.ts";
import { Sampling } from "./sampling.ts";
import { cpuTimesSince, readCpuTimes } from "./system-usage.ts";
import type { UsageObject } from "./usage-tree.ts";

const SAMPLES_MAX = 10;

/** What one process and its descendants use, from now on. */
export interface StepMeasurement extends Disposable {
  /** In the form of BuildKit's `resourceUsage`: samples of the group, and what the whole machine's processors did meanwhile. */
  finish(): Promise<UsageObject>;
}

export async function measureStep(group: MeasuredGroup): Promise<StepMeasurement> {
  const before = await readCpuTimes();
  const sampling = new Sampling({ read: () => readGroupUsage(group), samplesMax: SAMPLES_MAX, clock: systemClock });
  return {
    async finish() {
      const samples = await sampling.finish();
      const after = await readCpuTimes();
      return { samples: samples.length === 0 ? undefined : samples, sysCPUStat: before === undefined || after === undefined ? undefined : cpuTimesSince(before, after) };
    },
    [Symbol.dispose]: () => sampling[Symbol.dispose](),
  };
}
