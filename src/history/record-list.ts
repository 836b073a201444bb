import { agoText, columns, durationText } from "../content/human-time.ts";
import { parseRfc3339 } from "../content/timestamp.ts";
import { DOCKER_FUNCTIONS } from "../template/docker-functions.ts";
import { parseTemplate } from "../template/template.ts";
import { stepCounts, type BuildRecord, type BuildStatus } from "./build-record.ts";

export interface ListOptions {
  /** `table`, `json`, or a Go template over .Ref .Name .Status .CreatedAt .Duration. */
  readonly format: string;
  readonly noTrunc: boolean;
  readonly nowNs: bigint;
}

const NAME_SHOWN_MAX = 36;
const STATUS: Readonly<Record<BuildStatus, string>> = { running: "Running", completed: "Completed", error: "Error", canceled: "Canceled", interrupted: "Interrupted" };

/** What `history ls` prints (anchor f.1): those that go on first, as buildx. Throws TemplateError. */
export function listText(found: readonly BuildRecord[], { format, noTrunc, nowNs }: ListOptions): string {
  const records = found.toSorted((a, b) => Number(b.status === "running") - Number(a.status === "running"));
  if (format === "json") return records.map((record) => `${JSON.stringify(listed(record))}\n`).join("");
  const shown = records.map((record) => row(record, { noTrunc, nowNs }));
  if (format === "table" || format === "") return columns([["BUILD ID", "NAME", "STATUS", "CREATED AT", "DURATION"], ...shown.map(({ Ref, Name, Status, CreatedAt, Duration }) => [Ref, Name, Status, CreatedAt, Duration])]);
  const template = parseTemplate("", format, DOCKER_FUNCTIONS);
  return shown.map((each) => `${template.execute(each)}\n`).join("");
}

/** Nanoseconds from start to end. */
export function durationNs({ startedAt, completedAt }: BuildRecord): bigint {
  return parseRfc3339(completedAt) - parseRfc3339(startedAt);
}

export function shownStatus({ status }: BuildRecord): string {
  return STATUS[status];
}

function row(record: BuildRecord, { noTrunc, nowNs }: Pick<ListOptions, "noTrunc" | "nowNs">): Readonly<Record<"Ref" | "Name" | "Status" | "CreatedAt" | "Duration", string>> {
  const { id, ref, name, startedAt } = record;
  return {
    Ref: noTrunc ? ref : id,
    Name: noTrunc || name.length <= NAME_SHOWN_MAX ? name : `${name.slice(0, NAME_SHOWN_MAX - 1)}…`,
    Status: shownStatus(record),
    CreatedAt: agoText(Number((nowNs - parseRfc3339(startedAt)) / 1_000_000n)),
    Duration: `${durationText(Number(durationNs(record) / 1_000_000n))}${record.status === "running" ? "+" : ""}`,
  };
}

/** The members of buildx's JSON. */
function listed(record: BuildRecord): object {
  const { total, completed, cached } = stepCounts(record);
  return {
    cached_steps: cached, ...(record.status === "running" ? {} : { completed_at: record.completedAt }), completed_steps: completed, created_at: record.startedAt,
    name: record.name, ref: record.ref, status: shownStatus(record), total_steps: total,
  };
}
