import assert from "node:assert/strict";
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cpuTimesSince, readCpuTimes, readSystemUsage } from "./system-usage.ts";

const STAT = "cpu  1615 27 852 150 56 0 60 1 2 3\ncpu0 810 14 420 78 22 0 11 0 0 0\nintr 16254319 0 0\nctxt 42117356\nbtime 1795936476\nprocesses 356786\nprocs_running 3\n";
const MEMINFO = "MemTotal:       24683620 kB\nMemFree:        100 kB\nMemAvailable:   200 kB\nBuffers:        1 kB\nCached:         2 kB\nSwapCached:     9 kB\nActive:         3 kB\nInactive:       4 kB\nSwapTotal:      0 kB\nDirty:          5 kB\nWriteback:      6 kB\nSlab:           7 kB\n";

test("the machine is told in the members of BuildKit's samples, in their order: seconds, counts and KiB", async () => {
  using proc = mkdtempDisposableSync(join(tmpdir(), "stemma-proc-"));
  for (const [name, text] of [["stat", STAT], ["meminfo", MEMINFO]] as const) writeFileSync(join(proc.path, name), text);
  const expected = {
    cpuStat: { user: 16.15, nice: 0.27, system: 8.52, idle: 1.5, iowait: 0.56, irq: 0, softirq: 0.6, steal: 0.01, guest: 0.02, guestNice: 0.03 },
    procStat: { contextSwitches: 42117356, processCreated: 356786, processesRunning: 3 },
    memoryStat: { total: 24683620, free: 100, available: 200, buffers: 1, cached: 2, active: 3, inactive: 4, swap: 0, dirty: 5, writeback: 6, slab: 7 },
  };
  assert.equal(JSON.stringify(await readSystemUsage(proc.path)), JSON.stringify(expected));
  mkdirSync(join(proc.path, "pressure"));
  for (const name of ["cpu", "memory", "io"]) writeFileSync(join(proc.path, "pressure", name), `some avg10=1.00 avg60=0.00 avg300=0.00 total=${name.length}\n`);
  const pressure = (total: number): object => ({ some: { avg10: 1, avg60: 0, avg300: 0, total }, full: null });
  assert.equal(JSON.stringify(await readSystemUsage(proc.path)), JSON.stringify({ ...expected, cpuPressure: pressure(3), memoryPressure: pressure(6), ioPressure: pressure(2) }));
});

test("what passed between two readings is told to a millisecond", async () => {
  using proc = mkdtempDisposableSync(join(tmpdir(), "stemma-proc-"));
  writeFileSync(join(proc.path, "stat"), "cpu  110 0 0 0 0 0 0 0 0 0\n");
  const before = await readCpuTimes(proc.path);
  writeFileSync(join(proc.path, "stat"), "cpu  133 1 0 0 0 0 0 0 0 0\n");
  const after = await readCpuTimes(proc.path);
  assert.ok(before !== undefined && after !== undefined);
  const { user, nice, idle } = cpuTimesSince(before, after);
  assert.deepEqual([user, nice, idle], [0.23, 0.01, 0]);
});

test("where there is no /proc nothing is told", async () => {
  using proc = mkdtempDisposableSync(join(tmpdir(), "stemma-proc-"));
  assert.deepEqual([await readSystemUsage(proc.path), await readCpuTimes(proc.path)], [undefined, undefined]);
});
