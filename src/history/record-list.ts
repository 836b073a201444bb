import { agoText, durationText } from "../content/human-time.ts";
import { parseRfc3339 } from "../content/timestamp.ts";
import { isTable, rowsText } from "../template/rows-text.ts";
import { STRING, type StructType } from "../template/go-type.ts";
import { record, required } from "../template/record-type.ts";
import { GoValue } from "../template/value.ts";
import { stepCounts, type BuildRecord, type BuildStatus } from "./build-record.ts";

export interface ListOptions {
  /** `table`, `json`, or a Go template over .Ref .FullRef .Name .Status .CreatedAt .Duration; behind `table `, in columns with a head. */
  readonly format: string;
  readonly noTrunc: boolean;
  readonly nowNs: bigint;
}

const NAME_SHOWN_MAX = 36;
const TABLE = "table {{.Ref}}\t{{.Name}}\t{{.Status}}\t{{.CreatedAt}}\t{{.Duration}}";
const HEAD = { Ref: "BUILD ID", FullRef: "BUILD REF", Name: "NAME", Status: "STATUS", CreatedAt: "CREATED AT", Duration: "DURATION" } as const;
const STATUS: Readonly<Record<BuildStatus, string>> = { running: "Running", completed: "Completed", error: "Error", canceled: "Canceled", interrupted: "Interrupted" };

/** What `history ls` prints (anchor f.1): those that go on first, as buildx. Throws TemplateError. */
export function listText(found: readonly BuildRecord[], { format, noTrunc, nowNs }: ListOptions): string {
  const records = found.toSorted((a, b) => Number(b.status === "running") - Number(a.status === "running"));
  if (format === "json") return records.map((record) => `${JSON.stringify(listed(record))}\n`).join("");
  return rowsText(format === "table" || format === "" ? TABLE : format, HEAD, records.map((record) => new GoValue(ROW, row(record, { isCut: !noTrunc && isTable(format), nowNs }))));
}

/** buildx's, with its members in JSON. */
const ROW: StructType = { ...record("*history.lsContext", Object.keys(HEAD).map((name) => required(name, name, STRING))), json: (raw) => (raw as { readonly listed: object }).listed };

/** Nanoseconds from start to end. */
export function durationNs({ startedAt, completedAt }: BuildRecord): bigint {
  return parseRfc3339(completedAt) - parseRfc3339(startedAt);
}

export function shownStatus({ status }: BuildRecord): string {
  return STATUS[status];
}

function row(record: BuildRecord, { isCut, nowNs }: { readonly isCut: boolean; readonly nowNs: bigint }) {
  const { id, ref, name, startedAt } = record;
  return {
    listed: listed(record), Ref: id, FullRef: ref,
    Name: isCut && name.length > NAME_SHOWN_MAX ? `..${name.slice(2 - NAME_SHOWN_MAX)}` : name,
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
