import { parseDuration } from "../content/human-time.ts";
import { RegistryConfigError, readSettingsDocument } from "../registry/registry-config.ts";
import { policyFilter, type CollectionPolicy, type Space } from "../upkeep/collection-policy.ts";
import { parseSize } from "../upkeep/size.ts";
import { UpkeepError } from "../upkeep/upkeep-error.ts";

type Table = Readonly<Record<string, unknown>>;

/** BuildKit's keys of `[worker.oci]`, with older names. */
const WORKER_KEYS: ReadonlySet<string> = new Set(
  `gc gckeepstorage reservedSpace maxUsedSpace minFreeSpace gcpolicy enabled labels platforms snapshotter rootless noProcessSandbox networkMode cniConfigPath cniBinaryPath cniPoolSize
   bridgeName bridgeSubnet userRemapUnsupported binary proxySnapshotterPath defaultCgroupParent isolateCgroups stargzSnapshotter apparmor-profile selinux max-parallelism`.split(/\s+/),
);
const POLICY_KEYS: readonly string[] = ["all", "keepDuration", "filters", "reservedSpace", "maxUsedSpace", "minFreeSpace", "keepBytes"];

const NOTHING: Space = { bytes: 0 };
const HOUR_MS = 3_600_000;

/** BuildKit's, where garbage is to be collected and no size is said. */
const DEFAULT_BOUNDS = { reserved: { percent: 10, maxBytes: 10e9 }, maxUsed: { percent: 80, maxBytes: 100e9 }, minFree: { percent: 20 } } as const;

type Bounds = Pick<CollectionPolicy, "reserved" | "maxUsed" | "minFree">;

/** What is collected after a build, as `[worker.oci]` says in BuildKit's words; empty where it says nothing of it. Throws RegistryConfigError. */
export async function collectionPolicies(path: string): Promise<readonly CollectionPolicy[]> {
  const { worker = {} } = await readSettingsDocument(path);
  const { oci = {} } = tableOf(worker, `${path}: worker`);
  const place = `${path}: worker.oci`;
  const table = tableOf(oci, place);
  const unknownKey = Object.keys(table).find((key) => !WORKER_KEYS.has(key));
  if (unknownKey !== undefined) throw new RegistryConfigError(`${place}: unknown key ${unknownKey}`);
  const { gc, gckeepstorage, gcpolicy = [] } = table;
  if (gc !== undefined) flagOf(gc, `${place}.gc`);
  const said = boundsOf(table, place);
  const bounds = isUnset(said) ? { ...said, reserved: spaceOf(gckeepstorage, `${place}.gckeepstorage`) } : said;
  if (!Array.isArray(gcpolicy)) throw new RegistryConfigError(`${place}.gcpolicy is not a list of tables`);
  const policies = gcpolicy.map((policy, index) => policyOf(policy, `${place}.gcpolicy[${index}]`));
  if (gc === false) return [];
  if (policies.length > 0) return policies;
  if (!isUnset(bounds)) return defaultPolicies(bounds);
  return gc === true ? defaultPolicies(DEFAULT_BOUNDS) : [];
}

/** BuildKit's, for bounds without policies: first what is soonest made again, then what is old, then whatever is too much. */
function defaultPolicies(bounds: Bounds): readonly CollectionPolicy[] {
  const any = { all: false, keepMs: 0, filters: [], ...bounds };
  return [
    { ...any, keepMs: 48 * HOUR_MS, filters: ["type==source.local", "type==exec.cachemount", "type==source.git.checkout"], reserved: NOTHING, maxUsed: { bytes: 512e6 }, minFree: NOTHING },
    { ...any, keepMs: 60 * 24 * HOUR_MS },
    any,
    { ...any, all: true },
  ];
}

function policyOf(value: unknown, place: string): CollectionPolicy {
  const table = tableOf(value, place);
  const unknownKey = Object.keys(table).find((key) => !POLICY_KEYS.includes(key));
  if (unknownKey !== undefined) throw new RegistryConfigError(`${place}: unknown key ${unknownKey}; there are ${POLICY_KEYS.join(", ")}`);
  const { all = false, keepDuration, filters = [], keepBytes } = table;
  const { reserved, maxUsed, minFree } = boundsOf(table, place);
  const older = spaceOf(keepBytes, `${place}.keepBytes`);
  return {
    all: flagOf(all, `${place}.all`), keepMs: durationOf(keepDuration, `${place}.keepDuration`), filters: filtersOf(filters, `${place}.filters`),
    reserved: isNothing(reserved) ? older : reserved, maxUsed, minFree,
  };
}

function boundsOf({ reservedSpace, maxUsedSpace, minFreeSpace }: Table, place: string): Bounds {
  return { reserved: spaceOf(reservedSpace, `${place}.reservedSpace`), maxUsed: spaceOf(maxUsedSpace, `${place}.maxUsedSpace`), minFree: spaceOf(minFreeSpace, `${place}.minFreeSpace`) };
}

function isUnset({ reserved, maxUsed, minFree }: Bounds): boolean {
  return [reserved, maxUsed, minFree].every(isNothing);
}

function isNothing(space: Space): boolean {
  return ("bytes" in space ? space.bytes : space.percent) === 0;
}

function spaceOf(value: unknown, place: string): Space {
  if (value === undefined || value === "") return NOTHING;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return { bytes: value };
  const text = typeof value === "string" ? value : "-";
  const percent = /^(\d{1,3})%$/.exec(text)?.[1];
  if (percent !== undefined && Number(percent) <= 100) return { percent: Number(percent) };
  const bytes = parseSize(text);
  if (bytes === undefined) throw new RegistryConfigError(`${place}: ${JSON.stringify(value)} is no size such as 512000000, "512MB" or "10%"`);
  return { bytes };
}

function durationOf(value: unknown, place: string): number {
  if (value === undefined || value === "") return 0;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value * 1000;
  const text = typeof value === "string" ? value : "-";
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (ms === undefined) throw new RegistryConfigError(`${place}: ${JSON.stringify(value)} is no duration such as 172800 (seconds) or "48h"`);
  return ms;
}

function filtersOf(value: unknown, place: string): readonly string[] {
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === "string")) throw new RegistryConfigError(`${place} is not a list of texts`);
  try {
    policyFilter(value);
  } catch (error) {
    if (error instanceof UpkeepError) throw new RegistryConfigError(`${place}: ${error.message}`, { cause: error });
    throw error;
  }
  return value;
}

function flagOf(value: unknown, place: string): boolean {
  if (typeof value !== "boolean") throw new RegistryConfigError(`${place} is neither true nor false`);
  return value;
}

function tableOf(value: unknown, place: string): Table {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new RegistryConfigError(`${place} is not a table`);
  return value as Table;
}
