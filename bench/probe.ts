/**
 * Loaded into the command with `--import`: what it took of memory and processor, and the longest time that its event loop was
 * kept from turning, written to a file of its own in BENCH_PROBE when it ends. Waiting for a processor that others have
 * makes a turn longer by the clock, and not by the thread's own processor time.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";
import type { ProbeReading } from "./probe-reading.ts";

const TICK_MS = 1;

const directory = process.env["BENCH_PROBE"];
// Threads of the command are started with the same options.
if (directory !== undefined && isMainThread) probe(directory);

function probe(into: string): void {
  const delay = monitorEventLoopDelay({ resolution: TICK_MS });
  let [longestOwnMs, beforeMs] = [0, threadMs()];
  // Loading the program is no turn of its work.
  setImmediate(() => {
    delay.enable();
    beforeMs = threadMs();
    setInterval(() => {
      const nowMs = threadMs();
      longestOwnMs = Math.max(longestOwnMs, nowMs - beforeMs);
      beforeMs = nowMs;
    }, TICK_MS).unref();
  });
  process.on("exit", () => {
    const { userCPUTime } = process.resourceUsage();
    const reading: ProbeReading = { peakKiB: peakKiB(), userMs: userCPUTime / 1000, longestTurnMs: delay.max / 1e6, longestOwnMs };
    writeFileSync(join(into, `${process.pid}.json`), JSON.stringify(reading));
  });
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function peakKiB(): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
}
