import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describeRange } from "./table.ts";

/** What probe.ts says of one process. */
export interface ProbeReading {
  /** VmHWM. */
  readonly peakKiB: number;
  /** Of all its threads. */
  readonly userMs: number;
  readonly longestTurnMs: number;
  /** The same as processor time of the thread that turns. */
  readonly longestOwnMs: number;
}

/** One run's; `env` is what the command is started with. */
export interface Probe {
  readonly env: Readonly<Record<string, string>>;
  /** The most of each that any of its processes took. */
  read(): ProbeReading;
}

export function openProbe(place: string): Probe {
  const directory = mkdtempSync(join(place, "probe-"));
  return {
    env: { BENCH_PROBE: directory, NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, "probe.ts")).href}` },
    read() {
      const readings = readdirSync(directory).map((name) => JSON.parse(readFileSync(join(directory, name), "utf8")) as ProbeReading);
      if (readings.length === 0) throw new Error("the command has left no reading of its probe");
      const most = (of: (reading: ProbeReading) => number): number => Math.max(...readings.map(of));
      return { peakKiB: most((r) => r.peakKiB), userMs: most((r) => r.userMs), longestTurnMs: most((r) => r.longestTurnMs), longestOwnMs: most((r) => r.longestOwnMs) };
    },
  };
}

export interface Measured extends ProbeReading {
  readonly wallMs: number;
}

/** For the second table. */
export function describeMeasured(name: string, measured: readonly Measured[]): string {
  const range = (of: (one: Measured) => number, decimals: number): string => describeRange(measured.map(of), decimals);
  const cells = [range((one) => (one.peakKiB * 1024) / 1e6, 0), range((one) => one.longestTurnMs, 0), range((one) => one.longestOwnMs, 0), range((one) => one.userMs / one.wallMs, 2)];
  return `| ${[name, ...cells].join(" | ")} |`;
}

export const MEASURED_HEADER = "| case | peak MB | longest turn, ms | of it own processor, ms | cores |\n|---|---|---|---|---|";
