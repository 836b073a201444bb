import { isAbsolute, relative, sep } from "node:path";
import { goBoolean } from "../content/go-boolean.ts";
import { localRfc3339 } from "../content/timestamp.ts";
import { describeExcerpt } from "../progress/failure-report.ts";
import { DOCKER_FUNCTIONS } from "../template/docker-functions.ts";
import { valueJson } from "../template/json.ts";
import { TemplateError } from "../template/template-error.ts";
import { parseTemplate } from "../template/template.ts";
import { GoValue } from "../template/value.ts";
import { stepCounts, type BuildRecord, type StepRecord } from "./build-record.ts";
import { failedBuild } from "./failed-build.ts";
import { inspectedConfig } from "./inspect-config.ts";
import { prettyText } from "./inspect-text.ts";
import { INSPECT_TYPE } from "./inspect-type.ts";
import { durationNs } from "./record-list.ts";

export interface InspectedRun {
  readonly record: BuildRecord;
  /** As EventLog writes it. */
  readonly log: string;
}

export interface InspectOptions {
  /** `pretty`, `json`, or a Go template over the members of the JSON. */
  readonly format: string;
  /** Paths below it are shown from there on. */
  readonly cwd: string;
}

/** What `history inspect` prints, in buildx's form. Throws TemplateError. */
export function inspectText(run: InspectedRun, { format, cwd }: InspectOptions): string {
  const inspected = inspectedRecord(run, cwd);
  if (format === "pretty" || format === "") return prettyText(run, inspected);
  const value = new GoValue(INSPECT_TYPE, inspected);
  if (format === "json") return `${valueJson(value, { indent: "  ", escapeHtml: true })}\n`;
  try {
    return `${parseTemplate("inspect", format, DOCKER_FUNCTIONS).execute(value)}\n`;
  } catch (error) {
    throw error instanceof TemplateError ? new TemplateError(error.code, `failed to ${error.code} format template: ${error.message}`) : error;
  }
}

/** The members of buildx's JSON (anchor f.1) and ours, as INSPECT_TYPE has them. A build that failed is `failed` here, as there, and `error` in lists. */
function inspectedRecord({ record, log }: InspectedRun, cwd: string) {
  const { total, completed, cached } = stepCounts(record);
  const { attributes } = record;
  const failed = failedBuild({ record, log });
  const source = record.error?.source;
  return {
    Name: record.name, Ref: record.id, Context: below(cwd, record.context), Dockerfile: below(record.context, record.dockerfile),
    VCSRepository: attributes["vcs:source"] ?? "", VCSRevision: attributes["vcs:revision"] ?? "",
    Target: record.target ?? "", Platform: record.platforms, KeepGitDir: goBoolean(attributes[KEEP_GIT_DIR] ?? "") ?? false,
    NamedContexts: pairs(attributes, "context:"),
    StartedAt: localRfc3339(record.startedAt), CompletedAt: record.status === "running" ? undefined : localRfc3339(record.completedAt), Duration: durationNs(record),
    Status: record.status === "error" ? "failed" : record.status,
    Error: failed && { Code: failed.code, Message: failed.message, Name: failed.step, Logs: failed.logs, Sources: source && Buffer.from(`${describeExcerpt(source)}\n`).toString("base64"), Kind: record.error?.code ?? "" },
    NumCompletedSteps: completed, NumTotalSteps: total, NumCachedSteps: cached,
    BuildArgs: pairs(attributes, "build-arg:").filter(({ Name }) => `build-arg:${Name}` !== KEEP_GIT_DIR), Labels: pairs(attributes, "label:"),
    Config: inspectedConfig(attributes),
    Materials: record.materials.map(({ uri, digest }) => ({ URI: uri, Digests: digest === "" ? [] : digest.split(" ") })),
    Attachments: record.attachments.map(({ digest, type, predicateType, mediaType, platform }) => ({ Digest: digest, Platform: platform ?? "", Type: predicateType ?? mediaType, Kind: type })),
    Warnings: record.warnings,
    Steps: record.steps.map(inspectedStep),
  };
}

/** Has its place among the members, and is no argument. */
const KEEP_GIT_DIR = "build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR";

function inspectedStep({ digest, name, outcome, cache, startedAt, durationMs, error }: StepRecord) {
  return { Digest: digest, Name: name, Outcome: outcome, Reason: cache?.reason ?? "", Why: cache?.message ?? "", StartedAt: startedAt ?? "", DurationMs: durationMs, Error: error ?? "" };
}

function pairs(attributes: Readonly<Record<string, string>>, prefix: string): ReadonlyArray<{ readonly Name: string; readonly Value: string }> {
  const found = Object.entries(attributes).filter(([key]) => key.startsWith(prefix)).map(([key, Value]) => ({ Name: key.slice(prefix.length), Value }));
  return found.toSorted((a, b) => Buffer.compare(Buffer.from(a.Name), Buffer.from(b.Name)));
}

/** A path as seen from a directory above it; any other as it is, and what is no path of this machine. */
function below(directory: string, path: string): string {
  if (!isAbsolute(path) || !isAbsolute(directory)) return path;
  const found = relative(directory, path);
  return found === "" ? "." : found.startsWith(`..${sep}`) ? path : found;
}
