import type { StepDetails } from "../../llb/vertex.ts";
import { FrontendOptionError } from "./frontend-option-error.ts";
import { IntegerError, parseInt64, parseUint64 } from "./go-integer.ts";
import { cut, quote, trimSpace } from "./go-text.ts";

export type LinuxResources = NonNullable<StepDetails["linuxResources"]>;

/** Highest number of a processor that a set may hold, as in BuildKit. */
const CPU_MAX = 8192;

/** The limits for each step's processes; undefined where there are none. Throws FrontendOptionError. */
export function parseLinuxResources(opts: ReadonlyMap<string, string>): LinuxResources | undefined {
  const signed = (key: string): bigint | undefined => number(opts, key, parseInt64);
  const unsigned = (key: string): bigint | undefined => number(opts, key, parseUint64);
  const limits = {
    memory: bounded("memory", signed("memory"), (value) => value > 0n, "> 0"),
    memorySwap: bounded("memswap", signed("memswap"), (value) => value === -1n || value > 0n, "-1 (unlimited) or > 0"),
    cpuShares: bounded("cpushares", unsigned("cpushares"), (value) => value > 0n, "> 0"),
    cpuPeriod: bounded("cpuperiod", unsigned("cpuperiod"), (value) => value > 0n, "> 0"),
    cpuQuota: bounded("cpuquota", signed("cpuquota"), (value) => value > 0n, "> 0"),
    cpusetCpus: cpuSet(opts, "cpusetcpus"),
    cpusetMems: cpuSet(opts, "cpusetmems"),
  };
  const given = Object.entries(limits).filter(([, value]) => value !== undefined);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function number(opts: ReadonlyMap<string, string>, key: string, parse: (text: string) => bigint): bigint | undefined {
  const text = opts.get(key) ?? "";
  if (text === "") return undefined;
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof IntegerError) throw new FrontendOptionError(`failed to parse resource limits: invalid ${key} value: ${text}: ${error.message}`);
    throw error;
  }
}

function bounded(key: string, value: bigint | undefined, fits: (value: bigint) => boolean, bound: string): bigint | undefined {
  if (value !== undefined && !fits(value)) throw new FrontendOptionError(`failed to parse resource limits: invalid ${key} value: ${value}: must be ${bound}`);
  return value;
}

function cpuSet(opts: ReadonlyMap<string, string>, key: string): string | undefined {
  const text = opts.get(key) ?? "";
  if (text === "") return undefined;
  for (const element of text.split(",")) {
    const problem = cpuSetProblem(trimSpace(element));
    if (problem !== undefined) throw new FrontendOptionError(`failed to parse resource limits: invalid ${key} value: ${text}: ${problem}`);
  }
  return text;
}

function cpuSetProblem(element: string): string | undefined {
  if (element === "") return undefined;
  const { before, after, found } = cut(element, "-");
  const what = found ? "range" : "element";
  const [low, high] = [trimSpace(before), found ? trimSpace(after) : trimSpace(before)];
  const isNumber = [low, high].every((part) => /^\+?[0-9]+$/.test(part));
  if (!isNumber || Number(high) < Number(low)) return `invalid cpuset ${what} ${quote(element)}`;
  return Number(high) > CPU_MAX ? `cpuset ${what} ${quote(element)} exceeds maximum ${CPU_MAX}` : undefined;
}
