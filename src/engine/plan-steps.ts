import { isIP } from "node:net";
import { parseUlimit } from "../frontend/dockerfile/build-options.ts";
import { ByteSizeError, parseByteSize } from "../frontend/dockerfile/byte-size.ts";
import { FrontendOptionError } from "../frontend/dockerfile/frontend-option-error.ts";
import { IntegerError } from "../frontend/dockerfile/go-integer.ts";
import type { BuildRequest } from "./build-request.ts";
import { planResources, type LimitAttribute } from "./plan-resources.ts";
import { RequestError } from "./request-error.ts";

/** What holds for the processes of all steps, in the words of the frontend's attributes; left out where nothing was said. */
export type StepAttributes = ReadonlyMap<"add-hosts" | "cgroup-parent" | "no-cache" | "shm-size" | "ulimit" | LimitAttribute, string>;

/** Throws RequestError in buildx's words. */
export function planSteps(request: BuildRequest): StepAttributes {
  const { cgroupParent = "", extraHosts = [], noCache = false, noCacheStages = [], resources = [], shmSize = "", ulimits = [] } = request;
  if (noCache && noCacheStages.length > 0) throw new RequestError("usage", "--no-cache and --no-cache-filter cannot currently be used together");
  const size = shmSize === "" ? 0n : parseSize(shmSize);
  return new Map([
    ...optional("add-hosts", extraHosts.flatMap(hostAddresses).join(",")),
    ...(noCache ? [["no-cache", ""] as const] : optional("no-cache", noCacheStages.join(","))),
    ...optional("shm-size", size > 0n ? String(size) : ""),
    ...optional("cgroup-parent", cgroupParent),
    ...planResources(resources),
    ...optional("ulimit", lastOfEach(ulimits.map(completeLimit)).join(",")),
  ]);
}

function optional<K extends string>(key: K, value: string): ReadonlyArray<readonly [K, string]> {
  return value === "" ? [] : [[key, value]];
}

/** This machine, as a step reaches it that has its network. */
const HOST_GATEWAY = "host-gateway";
const HOST_ADDRESS = "127.0.0.1";

/** `host=ip`, `host=host-gateway` or `host:ip`, with several addresses between commas; an IPv6 address may stand in brackets. */
function hostAddresses(text: string): readonly string[] {
  const [, host = "", addresses = ""] = /^([^=]*)=(.*)$/s.exec(text) ?? /^([^:]*):(.*)$/s.exec(text) ?? [];
  if (host === "" || addresses === "") throw new RequestError("usage", `invalid host ${text}`);
  if (addresses === HOST_GATEWAY) return [`${host}=${HOST_ADDRESS}`];
  return addresses.split(",").map((address) => {
    const bare = /^\[(.+)\]$/.exec(address)?.[1] ?? address;
    if (isIP(bare) === 0) throw new RequestError("usage", `invalid host ${text}`);
    return `${host}=${bare}`;
  });
}

/** `name=soft` is `name=soft:soft`. */
function completeLimit(text: string): string {
  try {
    const { Name, Soft, Hard } = parseUlimit(text);
    return `${Name}=${Soft}:${Hard}`;
  } catch (error) {
    if (error instanceof FrontendOptionError || error instanceof IntegerError) throw new RequestError("usage", `invalid argument ${JSON.stringify(text)} for "--ulimit" flag: ${error.message}`);
    throw error;
  }
}

function lastOfEach(limits: readonly string[]): readonly string[] {
  return [...new Map(limits.map((limit) => [limit.split("=", 1)[0], limit])).values()];
}

function parseSize(text: string): bigint {
  try {
    return parseByteSize(text);
  } catch (error) {
    if (error instanceof ByteSizeError) throw new RequestError("usage", `invalid argument ${JSON.stringify(text)} for "--shm-size" flag: ${error.message}`);
    throw error;
  }
}
