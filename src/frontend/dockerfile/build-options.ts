import { isIP } from "node:net";
import { NetMode } from "../../llb/op.ts";
import { InvalidPlatformError, normalizePlatform, parsePlatform, type Platform } from "../../oci/platform.ts";
import type { FrontendRequest } from "../frontend.ts";
import { CheckOptionError, parseCheckOptions, type CheckOptions } from "./check-options.ts";
import { CsvError, csvFields } from "./csv-fields.ts";
import { FrontendOptionError } from "./frontend-option-error.ts";
import { IntegerError, parseInt64 } from "./go-integer.ts";
import { cut, parseBool, toLower } from "./go-text.ts";
import { parseLinuxResources, type LinuxResources } from "./resource-options.ts";

/** The attributes of a request, read and checked. */
export interface BuildOptions {
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, string>;
  /** Empty for the last stage. */
  readonly target: string;
  /** Normalised; empty where none is asked for. */
  readonly targetPlatforms: readonly Platform[];
  readonly buildPlatform: Platform;
  readonly multiPlatform: boolean;
  readonly resolveMode: "default" | "pull" | "local";
  /** Stages not to be taken from the cache: all, or those of these names in lower case. */
  readonly noCache: "all" | ReadonlySet<string>;
  readonly extraHosts: ReadonlyArray<{ readonly Host: string; readonly IP: string }>;
  readonly shmSizeBytes: bigint;
  readonly ulimits: ReadonlyArray<{ readonly Name: string; readonly Soft: bigint; readonly Hard: bigint }>;
  readonly linuxResources: LinuxResources | undefined;
  readonly network: NetMode;
  readonly cgroupParent: string;
  readonly hostname: string;
  readonly cacheNamespace: string;
  /** Undefined where the Dockerfile decides. */
  readonly checkOptions: CheckOptions | undefined;
}

type Opts = ReadonlyMap<string, string>;

const RESOLVE_MODES: Readonly<Record<string, BuildOptions["resolveMode"]>> = { "": "default", default: "default", pull: "pull", local: "local" };
const NETWORKS: Readonly<Record<string, NetMode>> = { "": NetMode.UNSET, sandbox: NetMode.UNSET, host: NetMode.HOST, none: NetMode.NONE };
const ULIMITS = new Set("core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" "));

/** Throws FrontendOptionError with BuildKit's text for the first attribute that is wrong. */
export function readBuildOptions({ opts, workerPlatforms, hostPlatform }: FrontendRequest): BuildOptions {
  const targetPlatforms = parsePlatforms(opts.get("platform") ?? "", hostPlatform);
  const resolveMode = oneOf(RESOLVE_MODES, opts.get("image-resolve-mode") ?? "", "invalid image-resolve-mode: ");
  const extraHosts = parseExtraHosts(opts.get("add-hosts") ?? "");
  const shmSizeBytes = wrapped("failed to parse shm size", () => parseSize(opts.get("shm-size") ?? ""));
  const ulimits = wrapped("failed to parse ulimit", () => listOf(opts.get("ulimit") ?? "").map(parseUlimit));
  const linuxResources = parseLinuxResources(opts);
  const network = oneOf(NETWORKS, opts.get("force-network-mode") ?? "", "invalid netmode ");
  const multiPlatform = parseMultiPlatform(opts, targetPlatforms.length > 1);
  return {
    targetPlatforms, resolveMode, extraHosts, shmSizeBytes, ulimits, linuxResources, network, multiPlatform,
    buildArgs: withPrefix(opts, "build-arg:"),
    labels: withPrefix(opts, "label:"),
    target: opts.get("target") ?? "",
    buildPlatform: workerPlatforms[0] ?? normalizePlatform(hostPlatform),
    noCache: parseNoCache(opts.get("no-cache")),
    cgroupParent: opts.get("cgroup-parent") ?? "",
    hostname: opts.get("build-arg:BUILDKIT_SANDBOX_HOSTNAME") || (opts.get("hostname") ?? ""),
    cacheNamespace: opts.get("build-arg:BUILDKIT_CACHE_MOUNT_NS") ?? "",
    checkOptions: parseCheck(opts.get("build-arg:BUILDKIT_DOCKERFILE_CHECK")),
  };
}

export function withPrefix(opts: Opts, prefix: string): ReadonlyMap<string, string> {
  return new Map([...opts].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key.slice(prefix.length), value]));
}

function parsePlatforms(text: string, host: Platform): readonly Platform[] {
  if (text === "") return [];
  return text.split(",").map((part) => {
    try {
      return normalizePlatform(parsePlatform(part, host));
    } catch (error) {
      if (error instanceof InvalidPlatformError) throw new FrontendOptionError(`failed to parse target platform ${part}: ${error.message}`);
      throw error;
    }
  });
}

function oneOf<Value>(values: Readonly<Record<string, Value>>, text: string, complaint: string): Value {
  const value = Object.hasOwn(values, text) ? values[text] : undefined;
  if (value === undefined) throw new FrontendOptionError(complaint + text);
  return value;
}

/** The work's failures, told as those of an option. */
function wrapped<Value>(complaint: string, work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    if (error instanceof CsvError || error instanceof IntegerError || error instanceof FrontendOptionError) throw new FrontendOptionError(`${complaint}: ${error.message}`);
    throw error;
  }
}

function listOf(text: string): readonly string[] {
  return text === "" ? [] : csvFields(text);
}

function parseExtraHosts(text: string): BuildOptions["extraHosts"] {
  return wrapped("failed to parse additional hosts", () =>
    listOf(text).map((field) => {
      const { before, after, found } = cut(toLower(field), "=");
      if (!found) throw new FrontendOptionError(`invalid key-value pair ${field}`);
      const ip = canonicalIp(after);
      if (ip === undefined) throw new FrontendOptionError(`failed to parse IP ${after}`);
      return { Host: before, IP: ip };
    }),
  );
}

/** RFC 5952, and IPv4 where the address is a mapped one. */
export function canonicalIp(text: string): string | undefined {
  const version = isIP(text);
  if (version !== 6) return version === 4 ? text : undefined;
  if (text.includes("%")) return undefined;
  const address = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
  if (mapped === null) return address;
  const [high, low] = [Number.parseInt(mapped[1] ?? "", 16), Number.parseInt(mapped[2] ?? "", 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

function parseSize(text: string): bigint {
  return text === "" ? 0n : parseInt64(text);
}

/** `name=soft[:hard]`. Throws FrontendOptionError. */
export function parseUlimit(text: string): BuildOptions["ulimits"][number] {
  const { before: Name, after, found } = cut(text, "=");
  if (!found) throw new FrontendOptionError(`invalid ulimit argument: ${text}`);
  if (!ULIMITS.has(Name)) throw new FrontendOptionError(`invalid ulimit type: ${Name}`);
  const [softText = "", hardText, ...more] = after.split(":");
  if (more.length > 0) throw new FrontendOptionError(`too many limit value arguments - ${after}, can only have up to two, \`soft[:hard]\``);
  const hard = hardText === undefined ? undefined : parseInt64(hardText);
  const Soft = parseInt64(softText);
  const Hard = hard ?? Soft;
  const complaint = "ulimit soft limit must be less than or equal to hard limit: ";
  if (Hard !== -1n && Soft === -1n) throw new FrontendOptionError(`${complaint}soft: -1 (unlimited), hard: ${Hard}`);
  if (Hard !== -1n && Soft > Hard) throw new FrontendOptionError(`${complaint}${Soft} > ${Hard}`);
  return { Name, Soft, Hard };
}

function parseMultiPlatform(opts: Opts, hasSeveral: boolean): boolean {
  const text = opts.get("build-arg:BUILDKIT_MULTI_PLATFORM") || (opts.get("multi-platform") ?? "");
  if (text === "") return hasSeveral;
  const bool = parseBool(text);
  if (bool === undefined) throw new FrontendOptionError(`invalid boolean value for multi-platform: ${text}`);
  if (!bool && hasSeveral) throw new FrontendOptionError("conflicting config: returning multiple target platforms is not allowed");
  return bool;
}

function parseNoCache(text: string | undefined): BuildOptions["noCache"] {
  if (text === undefined) return new Set();
  return text === "" ? "all" : new Set(text.split(",").map(toLower));
}

function parseCheck(text: string | undefined): CheckOptions | undefined {
  if (text === undefined) return undefined;
  try {
    return parseCheckOptions(text);
  } catch (error) {
    if (error instanceof CheckOptionError) throw new FrontendOptionError(`failed to parse build-arg:BUILDKIT_DOCKERFILE_CHECK: ${error.message}`);
    throw error;
  }
}
