import { agoText } from "../content/human-time.ts";
import { tabColumns } from "../content/tab-columns.ts";
import { rfc3339Nano } from "../content/timestamp.ts";
import { BOOL, INT, INT64, STRING, sliceOf, type StructType } from "../template/go-type.ts";
import { TIME } from "../template/go-time.ts";
import { record, required } from "../template/record-type.ts";
import { isTable, rowsText } from "../template/rows-text.ts";
import { GoValue } from "../template/value.ts";
import { humanSize } from "./size.ts";
import type { UsageRecord } from "./usage-record.ts";

export interface UsageFormat {
  /** `table`, `pretty`, `json`, or a Go template over .ID .Parents .CreatedAt .Mutable .Reclaimable .Shared .Size .SizeBytes .Description .UsageCount .LastUsedAt .Type. */
  readonly format: string;
  /** Where some were chosen, what they come to is not told, as with buildx. */
  readonly isFiltered: boolean;
  readonly nowMs: number;
}

const HEAD = { CreatedAt: "CREATED AT", Description: "DESCRIPTION", ID: "ID", LastUsedAt: "LAST ACCESSED", Mutable: "MUTABLE", Parents: "PARENTS", Reclaimable: "RECLAIMABLE", Shared: "SHARED", Size: "SIZE", SizeBytes: "SIZE IN BYTES", Type: "TYPE", UsageCount: "USAGE COUNT" } as const;
const TABLE = "table {{.ID}}\t{{.Reclaimable}}\t{{.Size}}\t{{.LastUsedAt}}";
const TYPES = { CreatedAt: STRING, Mutable: BOOL, Parents: sliceOf(STRING), Reclaimable: BOOL, Shared: BOOL, SizeBytes: INT64, UsageCount: INT } as const;

/** What a template sees of a record; in JSON its members stand in the order of their names. */
const ROW: StructType = record("*commands.diskusageContext", Object.keys(HEAD).map((name) => required(name, name, (TYPES as Partial<Record<string, (typeof TYPES)[keyof typeof TYPES]>>)[name] ?? STRING)));

/** What `du` prints, as buildx: the smallest first, and what all of it comes to. Throws TemplateError. */
export function usageText(found: readonly UsageRecord[], { format, isFiltered, nowMs }: UsageFormat): string {
  const records = found.toSorted((a, b) => a.sizeBytes - b.sizeBytes || (a.id < b.id ? -1 : 1));
  const isWhole = ["", "table", "pretty"].includes(format);
  return listText(records, format, nowMs) + (isWhole && !isFiltered ? summaryText(records) : "");
}

function listText(records: readonly UsageRecord[], format: string, nowMs: number): string {
  if (format === "pretty") return records.map((each) => `${blockText(each, nowMs)}\n`).join("");
  const template = format === "json" ? "{{json .}}" : format === "" || format === "table" ? TABLE : format;
  return rowsText(template, HEAD, records.map((each) => new GoValue(ROW, shown(each, { nowMs, isTable: isTable(template) }))));
}

function summaryText(records: readonly UsageRecord[]): string {
  return tabColumns([["Reclaimable:", humanSize(sum(records.filter(({ isInUse }) => !isInUse)))], ["Total:", humanSize(sum(records))]]);
}

export function sum(records: readonly UsageRecord[]): number {
  return records.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
}

function shown({ id, parents, createdMs, isMutable, isInUse, sizeBytes, description, useCount, usedMs, type }: UsageRecord, options: { readonly nowMs: number; readonly isTable: boolean }): Readonly<Record<keyof typeof HEAD, unknown>> {
  return {
    ID: `${id}${options.isTable && isMutable ? "*" : ""}`, Parents: parents.length === 0 ? undefined : parents, CreatedAt: timeText(createdMs), Mutable: isMutable, Reclaimable: !isInUse, Shared: false,
    Size: humanSize(sizeBytes), SizeBytes: sizeBytes, Description: description, LastUsedAt: agoText(options.nowMs - usedMs), Type: type, UsageCount: useCount,
  };
}

/** As Go prints a time. */
function timeText(ms: number): string {
  return TIME.text?.(rfc3339Nano(BigInt(Math.round(ms)) * 1_000_000n)) ?? "";
}

const NAME_WIDTH = 14;

function blockText({ parents, ...rest }: UsageRecord, nowMs: number): string {
  const [id, ...others] = facts(rest, nowMs).map(([name, value]) => `${`${name}:`.padEnd(NAME_WIDTH)}${value}\n`);
  const below = parents.length === 0 ? "" : `Parents:\n${parents.map((parent) => ` - ${parent}\n`).join("")}`;
  return `${id}${below}${others.join("")}`;
}

function facts({ id, createdMs, isMutable, isInUse, sizeBytes, description, useCount, usedMs, type }: Omit<UsageRecord, "parents">, nowMs: number): ReadonlyArray<readonly [name: string, value: string]> {
  return [
    ["ID", id], ["Created at", timeText(createdMs)], ["Mutable", String(isMutable)], ["Reclaimable", String(!isInUse)], ["Shared", "false"], ["Size", humanSize(sizeBytes)],
    ...(description === "" ? [] : [["Description", description] as const]), ["Usage count", String(useCount)], ["Last used", agoText(nowMs - usedMs)], ["Type", type],
  ];
}

/** What `prune` prints of what it took, as buildx. */
export function prunedText(records: readonly UsageRecord[], { verbose, nowMs }: { readonly verbose: boolean; readonly nowMs: number }): string {
  const list = verbose ? records.map((each) => `${tabColumns(verboseRows(each, nowMs))}\n`).join("") : records.length === 0 ? "" : tabColumns([["ID", "RECLAIMABLE", "SIZE", "LAST ACCESSED"], ...records.map((each) => tableRow(each, nowMs))]);
  return `${list}${tabColumns([["Total:", humanSize(sum(records))]])}`;
}

function verboseRows({ parents, ...rest }: UsageRecord, nowMs: number): ReadonlyArray<readonly string[]> {
  const [id = [], ...others] = facts(rest, nowMs).map(([name, value]) => [`${name}:`, value]);
  return [id, ...(parents.length === 0 ? [] : [["Parent:", parents.join(",")]]), ...others];
}

function tableRow({ id, isMutable, isInUse, sizeBytes, usedMs }: UsageRecord, nowMs: number): readonly string[] {
  return [`${id}${isMutable ? "*" : ""}`.padEnd(40), String(!isInUse).padEnd(5), humanSize(sizeBytes).padEnd(10), agoText(nowMs - usedMs)];
}
