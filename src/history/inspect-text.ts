import { durationText } from "../content/human-time.ts";
import { tabColumns } from "../content/tab-columns.ts";
import { describeExcerpt } from "../progress/failure-report.ts";
import { stepCounts, type BuildRecord } from "./build-record.ts";
import { failedBuild, type FailedBuild } from "./failed-build.ts";
import { durationNs, shownStatus } from "./record-list.ts";

interface Pair {
  readonly Name: string;
  readonly Value: string;
}

/** What of the members of the JSON is shown as it is there. */
export interface ShownMembers {
  readonly Context: string;
  readonly Dockerfile: string;
  readonly StartedAt: string;
  readonly KeepGitDir: boolean;
  readonly NamedContexts: readonly Pair[];
  readonly BuildArgs: readonly Pair[];
  readonly Labels: readonly Pair[];
  readonly Config: Readonly<Record<string, unknown>>;
  readonly Materials: ReadonlyArray<{ readonly URI: string; readonly Digests: readonly string[] }>;
  readonly Attachments: ReadonlyArray<{ readonly Digest: string; readonly Platform: string; readonly Type: string; readonly Kind: string }>;
}

type Rows = ReadonlyArray<readonly string[]>;

/** The lines of buildx in its order; ours are the status of what did not fail, `Steps:`, and the kind of an attachment. */
export function prettyText({ record, log }: { readonly record: BuildRecord; readonly log: string }, members: ShownMembers): string {
  const failed = failedBuild({ record, log });
  const parts = [
    block(facts(record, members)), pairTable("NAMED CONTEXT", members.NamedContexts), block(progressRows({ record, members, failed })), block(configRows(members.Config)),
    pairTable("BUILD ARG", members.BuildArgs), pairTable("LABEL", members.Labels),
    table("Materials:", ["URI", "DIGEST"], members.Materials.map(({ URI, Digests }) => [URI, Digests.join(", ")])),
    table("Attachments:", ["DIGEST", "PLATFORM", "TYPE", "KIND"], members.Attachments.map(({ Digest, Platform, Type, Kind }) => [Digest, Platform, Type, Kind])),
    table("Steps:", ["OUTCOME", "DURATION", "STEP", "WHY"], record.steps.map(({ name, outcome, durationMs, cache, error }) => [outcome, durationText(durationMs), oneLine(name), oneLine(error ?? cache?.message ?? "")])),
    failed === undefined ? "" : failureText(record, failed),
  ];
  return `${parts.join("")}Print build logs: stemma history logs ${record.id}\n`;
}

function facts(record: BuildRecord, { Context, Dockerfile, KeepGitDir }: ShownMembers): Rows {
  const { attributes } = record;
  const rows = [
    ["Name:", record.name], ["Ref:", record.id], ["Context:", Context], ["Dockerfile:", Dockerfile], ["VCS Repository:", attributes["vcs:source"] ?? ""], ["VCS Revision:", attributes["vcs:revision"] ?? ""],
    ["Target:", record.target ?? ""], ["Platforms:", record.platforms.join(", ")], ["Keep Git Dir:", KeepGitDir ? "true" : ""],
  ];
  return rows.filter(([, value]) => value !== "");
}

function progressRows({ record, members, failed }: { readonly record: BuildRecord; readonly members: ShownMembers; readonly failed: FailedBuild | undefined }): Rows {
  const { total, completed, cached } = stepCounts(record);
  const ended = failed === undefined || record.status === "canceled" ? ["Status:", shownStatus(record)] : ["Error:", `${failed.codeName} ${failed.message}`];
  return [
    ["Started:", members.StartedAt.slice(0, 19).replace("T", " ")],
    ["Duration:", `${durationText(Number(durationNs(record) / 1_000_000n))}${record.status === "running" ? " (running)" : ""}`],
    ended,
    ["Build Steps:", `${completed}/${total} (${wholePercent(cached, total)}% cached)`],
  ];
}

/** As Go rounds: of two that are as near, the even one. */
function wholePercent(part: number, whole: number): number {
  const percent = (part / Math.max(whole, 1)) * 100;
  const rounded = Math.round(percent);
  return rounded - percent === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}

/** Members of Config in the order in which they are shown, with their names there. */
const CONFIG: ReadonlyArray<readonly [member: string, title: string]> = [
  ["Network", "Network"], ["Hostname", "Hostname"], ["ExtraHosts", "Extra Hosts"], ["CgroupParent", "Cgroup Parent"], ["ImageResolveMode", "Image Resolve Mode"], ["MultiPlatform", "Multi-Platform"],
  ["NoCache", "No Cache"], ["NoCacheFilter", "No Cache Filter"], ["ShmSize", "Shm Size"], ["Ulimit", "Resource Limits"], ["Memory", "Memory"], ["MemorySwap", "Memory Swap"], ["CPUShares", "CPU Shares"],
  ["CPUPeriod", "CPU Period"], ["CPUQuota", "CPU Quota"], ["CPUSetCPUs", "CPUSet CPUs"], ["CPUSetMems", "CPUSet Mems"], ["CacheMountNS", "Cache Mount Namespace"],
  ["DockerfileCheckConfig", "Dockerfile Check Config"], ["SourceDateEpoch", "Source Date Epoch"], ["SandboxHostname", "Sandbox Hostname"],
];
const IN_BYTES: ReadonlySet<string> = new Set(["Memory", "MemorySwap"]);

function configRows(config: Readonly<Record<string, unknown>>): Rows {
  const rest = (config["RestRaw"] ?? []) as readonly Pair[];
  const known = CONFIG.flatMap(([member, title]) => {
    const value = config[member];
    if (value === undefined || value === "" || value === false) return [];
    const text = Array.isArray(value) ? value.join(", ") : typeof value === "string" ? value : "true";
    return [[`${title}:`, IN_BYTES.has(member) ? binarySize(text) : text]];
  });
  return [...known, ...rest.map(({ Name, Value }) => [`${Name}:`, Value])];
}

/** `512MiB`, as Docker writes sizes in memory; what is no number of bytes, such as -1, as it is. */
function binarySize(text: string): string {
  if (!/^\d+$/.test(text)) return text;
  let value = Number(text);
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  for (; value >= 1024 && units.length > 1; units.shift()) value /= 1024;
  return `${Number(value.toPrecision(4))}${units[0]}`;
}

function failureText({ error }: BuildRecord, { step, logs }: FailedBuild): string {
  const source = error?.source === undefined ? "" : `${describeExcerpt(error.source)}\n`;
  return logs.length === 0 ? source : `${source}Logs:\n> => ${step}:\n${logs.map((line) => `> ${line}\n`).join("")}\n`;
}

function block(rows: Rows): string {
  return `${tabColumns(rows)}\n`;
}

function pairTable(title: string, pairs: readonly Pair[]): string {
  return pairs.length === 0 ? "" : block([[title, "VALUE"], ...pairs.map(({ Name, Value }) => [Name, oneLine(Value)])]);
}

function table(title: string, head: readonly string[], rows: Rows): string {
  return rows.length === 0 ? "" : `${title}\n${block([head, ...rows])}`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
