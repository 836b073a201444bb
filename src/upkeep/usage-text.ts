import { agoText, columns } from "../content/human-time.ts";
import { DOCKER_FUNCTIONS } from "../template/docker-functions.ts";
import { parseTemplate } from "../template/template.ts";
import { humanSize } from "./size.ts";
import type { UsageRecord } from "./usage-record.ts";

export interface UsageFormat {
  /** `table`, `json`, or a Go template over .ID .Parents .CreatedAt .Mutable .Reclaimable .Shared .Size .Description .LastUsedAt .Type. */
  readonly format: string;
  readonly verbose: boolean;
  readonly nowMs: number;
}

export const USAGE_HEAD: readonly string[] = ["ID", "RECLAIMABLE", "SIZE", "LAST ACCESSED"];

/** What `du` prints, as buildx: a table, or one block for each record, and what it comes to. Throws TemplateError. */
export function usageText(records: readonly UsageRecord[], { format, verbose, nowMs }: UsageFormat): string {
  if (format === "json") return records.map((record) => `${JSON.stringify(shown(record, nowMs))}\n`).join("");
  if (format !== "" && format !== "table") {
    const template = parseTemplate("", format, DOCKER_FUNCTIONS);
    return records.map((record) => `${template.execute(shown(record, nowMs))}\n`).join("");
  }
  const list = verbose ? records.map((record) => blockText(record, nowMs)).join("") : columns([USAGE_HEAD, ...records.map((record) => usageRow(record, nowMs))]);
  const reclaimable = records.filter(({ isInUse }) => !isInUse);
  return `${list}${columns([["Reclaimable:", humanSize(sum(reclaimable))], ["Total:", humanSize(sum(records))]])}`;
}

export function usageRow({ id, isMutable, isInUse, sizeBytes, usedMs }: UsageRecord, nowMs: number): readonly string[] {
  return [`${id}${isMutable ? "*" : ""}`, String(!isInUse), humanSize(sizeBytes), agoText(nowMs - usedMs)];
}

export function sum(records: readonly UsageRecord[]): number {
  return records.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
}

function shown({ id, parents, createdMs, isMutable, isInUse, sizeBytes, description, usedMs, type }: UsageRecord, nowMs: number): object {
  return {
    ID: id, Parents: parents, CreatedAt: new Date(createdMs).toISOString(), Mutable: isMutable, Reclaimable: !isInUse, Shared: false,
    Size: sizeBytes, Description: description, LastUsedAt: agoText(nowMs - usedMs), Type: type,
  };
}

export function blockText(record: UsageRecord, nowMs: number): string {
  const { id, parents, createdMs, isMutable, isInUse, sizeBytes, description, usedMs, type } = record;
  return `${columns([
    ["ID:", id], ...(parents.length === 0 ? [] : [["Parent:", parents.join(", ")]]), ["Created at:", new Date(createdMs).toISOString()], ["Mutable:", String(isMutable)],
    ["Reclaimable:", String(!isInUse)], ["Shared:", "false"], ["Size:", humanSize(sizeBytes)], ...(description === "" ? [] : [["Description:", description]]),
    ["Last used:", agoText(nowMs - usedMs)], ["Type:", type],
  ])}\n`;
}
