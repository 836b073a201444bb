import { columns, durationText } from "../content/human-time.ts";
import { DOCKER_FUNCTIONS } from "../template/docker-functions.ts";
import { parseTemplate } from "../template/template.ts";
import { stepCounts, type BuildRecord, type StepRecord } from "./build-record.ts";
import { inspectedConfig } from "./inspect-config.ts";
import { durationNs } from "./record-list.ts";

/** What `history inspect` prints: `pretty`, `json`, or a Go template over the members of the JSON. Throws TemplateError. */
export function inspectText(record: BuildRecord, format: string): string {
  if (format === "pretty" || format === "") return prettyText(record);
  const inspected = inspectedRecord(record);
  if (format === "json") return `${JSON.stringify(inspected, undefined, 2)}\n`;
  return `${parseTemplate("", format, DOCKER_FUNCTIONS).execute(inspected)}\n`;
}

/** The members of buildx's JSON (anchor f.1), and `Steps`. A build that failed is `failed` here, as there, and `error` in lists. */
export function inspectedRecord(record: BuildRecord): Readonly<Record<string, unknown>> {
  const { total, completed, cached } = stepCounts(record);
  const { attributes } = record;
  return {
    Name: record.name, Ref: record.ref, Context: record.context, Dockerfile: record.dockerfile,
    VCSRepository: attributes["vcs:source"] ?? "", VCSRevision: attributes["vcs:revision"] ?? "",
    Target: record.target ?? "", Platform: record.platforms, KeepGitDir: attributes["build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR"] === "1",
    NamedContexts: pairs(attributes, "context:"),
    StartedAt: record.startedAt, CompletedAt: record.status === "running" ? undefined : record.completedAt, Duration: Number(durationNs(record)), Status: record.status === "error" ? "failed" : record.status,
    Error: record.error === null ? undefined : { Code: record.error.code, Message: record.error.message, Logs: record.error.report },
    NumCompletedSteps: completed, NumTotalSteps: total, NumCachedSteps: cached,
    BuildArgs: pairs(attributes, "build-arg:"), Labels: pairs(attributes, "label:"),
    Config: inspectedConfig(attributes),
    Materials: record.materials.map(({ uri, digest }) => ({ URI: uri, Digests: digest === "" ? [] : digest.split(" ") })),
    Attachments: record.attachments.map(({ digest, type, predicateType, mediaType, platform }) => ({ Digest: digest, ...(platform !== undefined && { Platform: platform }), Type: predicateType ?? mediaType, Kind: type })),
    Warnings: record.warnings,
    Steps: record.steps.map(inspectedStep),
  };
}

function inspectedStep({ digest, name, outcome, cache, startedAt, durationMs, error }: StepRecord): object {
  return { Digest: digest, Name: name, Outcome: outcome, Reason: cache?.reason ?? "", Why: cache?.message ?? "", StartedAt: startedAt ?? "", DurationMs: durationMs, Error: error ?? "" };
}

function pairs(attributes: Readonly<Record<string, string>>, prefix: string): ReadonlyArray<{ readonly Name: string; readonly Value: string }> {
  return Object.entries(attributes).filter(([key]) => key.startsWith(prefix)).map(([key, Value]) => ({ Name: key.slice(prefix.length), Value }));
}

function prettyText(record: BuildRecord): string {
  const { attributes } = record;
  const { total, completed, cached } = stepCounts(record);
  const facts = [
    ["Name:", record.name], ["Ref:", record.ref], ["Context:", record.context], ["Dockerfile:", record.dockerfile],
    ["VCS Repository:", attributes["vcs:source"]], ["VCS Revision:", attributes["vcs:revision"]],
    ["Target:", record.target ?? undefined], [record.platforms.length > 1 ? "Platforms:" : "Platform:", record.platforms.join(", ")],
  ];
  const times = [
    ["Started:", record.startedAt.slice(0, 19).replace("T", " ")],
    ["Duration:", `${durationText(Number(durationNs(record) / 1_000_000n))}${record.status === "running" ? " (running)" : ""}`],
    ["Status:", record.status],
    ["Build Steps:", `${completed}/${total}${completed === 0 ? "" : ` (${Math.round((cached / total) * 100)}% cached)`}`],
  ];
  const parts = [
    facts, times,
    table(["STEP", "OUTCOME", "DURATION", "WHY"], record.steps.map(({ name, outcome, durationMs, cache, error }) => [oneLine(name), outcome, durationText(durationMs), oneLine(error ?? cache?.message ?? "")])),
    table(["BUILD ARG", "VALUE"], pairs(attributes, "build-arg:").map(({ Name, Value }) => [Name, oneLine(Value)])),
    table(["LABEL", "VALUE"], pairs(attributes, "label:").map(({ Name, Value }) => [Name, oneLine(Value)])),
    table(["MATERIAL", "DIGEST"], record.materials.map(({ uri, digest }) => [uri, digest])),
    attachmentTable(record.attachments),
  ].map((rows) => columns(rows.filter((row): row is string[] => row[1] !== undefined && row[1] !== "" || row.length > 2)));
  const failure = record.error === null ? [] : [`${record.error.report}ERROR: ${record.error.message}\n`];
  return [...parts.filter((part) => part !== ""), ...failure].join("\n");
}

/** Platforms are told where there are several. */
function attachmentTable(attachments: BuildRecord["attachments"]): ReturnType<typeof table> {
  const split = attachments.some(({ platform }) => platform !== undefined);
  const platforms = (text: string): string[] => (split ? [text] : []);
  return table(["ATTACHMENT", ...platforms("PLATFORM"), "KIND", "TYPE"], attachments.map(({ digest, type, predicateType, mediaType, platform }) => [digest, ...platforms(platform ?? ""), type, predicateType ?? mediaType]));
}

/** Nothing where there are no rows. */
function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): ReadonlyArray<ReadonlyArray<string | undefined>> {
  return rows.length === 0 ? [] : [head, ...rows];
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
