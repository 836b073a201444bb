import { ByteSizeError, parseByteSize } from "../frontend/dockerfile/byte-size.ts";
import { IntegerError, parseInt64 } from "../frontend/dockerfile/go-integer.ts";
import { cut, quote, trimSpace } from "../frontend/dockerfile/go-text.ts";
import { PERIOD_MAX, PERIOD_MIN, QUOTA_MIN, SHARES_MAX, SHARES_MIN } from "../sandbox/control-group.ts";
import { RequestError } from "./request-error.ts";

export type LimitAttribute = "memory" | "memswap" | "cpushares" | "cpuperiod" | "cpuquota" | "cpusetcpus" | "cpusetmems";

interface Resource {
  /** What the frontend calls it. */
  readonly attribute: LimitAttribute;
  /** The attribute's value; empty where there is no limit. */
  readonly value: (text: string) => string;
  /** What can be given, beside 0; undefined where the frontend tells. */
  readonly fits: string | undefined;
}

const above0 = (value: bigint): string => (value > 0n ? String(value) : "");
const size = (text: string): string => above0(parseByteSize(text));
const integer = (text: string): string => above0(parseInt64(text));

/** By the names of `docker run`. */
const RESOURCES: ReadonlyMap<string, Resource> = new Map<string, Resource>([
  ["memory", { attribute: "memory", value: size, fits: "a size such as 512m" }],
  ["memory-swap", { attribute: "memswap", value: (text) => (text === "-1" ? text : nonZero(parseByteSize(text))), fits: "a size such as 1g, -1 for as much swap as there is" }],
  ["cpu-shares", { attribute: "cpushares", value: integer, fits: `${SHARES_MIN} to ${SHARES_MAX}` }],
  ["cpu-period", { attribute: "cpuperiod", value: integer, fits: `${PERIOD_MIN} to ${PERIOD_MAX} microseconds` }],
  ["cpu-quota", { attribute: "cpuquota", value: integer, fits: `at least ${QUOTA_MIN} microseconds` }],
  ["cpuset-cpus", { attribute: "cpusetcpus", value: (text) => text, fits: undefined }],
  ["cpuset-mems", { attribute: "cpusetmems", value: (text) => text, fits: undefined }],
]);

/** `key=value` each, as `--resource`; of one key the last counts. Throws RequestError in buildx's words, with what fits behind them. */
export function planResources(entries: readonly string[]): ReadonlyArray<readonly [LimitAttribute, string]> {
  const limits = new Map(entries.map(planResource));
  return [...limits].filter(([, value]) => value !== "");
}

function planResource(entry: string): readonly [LimitAttribute, string] {
  const { before, after, found } = cut(entry, "=");
  if (!found) throw new RequestError("usage", `invalid resource ${quote(entry)}, expected key=value`);
  const [key, text] = [trimSpace(before), trimSpace(after)];
  const resource = RESOURCES.get(key);
  if (resource === undefined) throw new RequestError("usage", `unknown resource ${quote(key)}: use ${[...RESOURCES.keys()].join(", ")}`);
  try {
    return [resource.attribute, resource.value(text)];
  } catch (error) {
    if (error instanceof ByteSizeError || error instanceof IntegerError) throw new RequestError("usage", `invalid value ${quote(text)} for resource ${key}: ${error.message}: give ${resource.fits}, or 0 for no limit`);
    throw error;
  }
}

function nonZero(value: bigint): string {
  return value === 0n ? "" : String(value);
}
