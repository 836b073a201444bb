import assert from "node:assert/strict";
import { test } from "node:test";
import type { UsageRecord } from "./usage-record.ts";
import { prunedText, usageText } from "./usage-text.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const HOUR = 3_600_000;
const LAYER: UsageRecord = {
  id: "layer", type: "regular", parents: ["base", "other"], description: "[1/1] COPY a /", sizeBytes: 4096, createdMs: NOW - HOUR - 500, usedMs: NOW - 120_000, useCount: 3, isMutable: false, isInUse: true,
  remove: () => Promise.resolve(true),
};
const CACHE: UsageRecord = { ...LAYER, id: "cache", type: "exec.cachemount", parents: [], description: "", sizeBytes: 512, isMutable: true, isInUse: false };

function text(format: string, isFiltered = false): string {
  return usageText([LAYER, CACHE], { format, isFiltered, nowMs: NOW });
}

test("du has buildx's columns, the smallest first, and what all of it comes to where nothing was chosen", () => {
  const list = "ID        RECLAIMABLE   SIZE      LAST ACCESSED\ncache*    true          512B      2 minutes ago\nlayer     false         4.096kB   2 minutes ago\n";
  assert.equal(text("table"), `${list}Reclaimable:\t512B\nTotal:\t\t4.608kB\n`);
  assert.equal(text("", true), list);
});

test("du tells all of a record in buildx's lines, and in the members of its JSON", () => {
  assert.equal(text("pretty", true).split("\n\n")[1], [
    "ID:           layer", "Parents:", " - base", " - other", "Created at:   2026-01-02 02:04:04.5 +0000 UTC", "Mutable:      false", "Reclaimable:  false", "Shared:       false", "Size:         4.096kB",
    "Description:  [1/1] COPY a /", "Usage count:  3", "Last used:    2 minutes ago", "Type:         regular",
  ].join("\n"));
  const [cache = "", layer = ""] = text("json").split("\n");
  assert.equal(layer, '{"CreatedAt":"2026-01-02 02:04:04.5 +0000 UTC","Description":"[1/1] COPY a /","ID":"layer","LastUsedAt":"2 minutes ago","Mutable":false,"Parents":["base","other"],"Reclaimable":false,"Shared":false,"Size":"4.096kB","SizeBytes":4096,"Type":"regular","UsageCount":3}');
  assert.match(cache, /"ID":"cache",.*"Parents":null,/);
});

test("du takes templates, also for columns", () => {
  assert.equal(text("{{.ID}} {{.Parents}} {{.SizeBytes}}"), "cache [] 512\nlayer [base other] 4096\n");
  assert.equal(text("table {{.ID}}\\t{{.Type}}"), "ID        TYPE\ncache*    exec.cachemount\nlayer     regular\n");
  assert.throws(() => text("{{.Nothing}}"), { message: 'template parsing error: template: :1:2: executing "" at <.Nothing>: can\'t evaluate field Nothing in type *commands.diskusageContext' });
});

test("prune tells what it took in buildx's forms", () => {
  const told = (records: readonly UsageRecord[], verbose: boolean): string => prunedText(records, { verbose, nowMs: NOW });
  assert.equal(told([CACHE], false), `ID\t\t\t\t\t\tRECLAIMABLE\tSIZE\t\tLAST ACCESSED\ncache*${" ".repeat(34)}\ttrue \t\t512B      \t2 minutes ago\nTotal:\t512B\n`);
  assert.equal(told([LAYER], true), [
    "ID:\t\tlayer", "Parent:\t\tbase,other", "Created at:\t2026-01-02 02:04:04.5 +0000 UTC", "Mutable:\tfalse", "Reclaimable:\tfalse", "Shared:\t\tfalse", "Size:\t\t4.096kB", "Description:\t[1/1] COPY a /", "Usage count:\t3",
    "Last used:\t2 minutes ago", "Type:\t\tregular", "", "Total:\t4.096kB", "",
  ].join("\n"));
  assert.equal(told([], false), "Total:\t0B\n");
});
