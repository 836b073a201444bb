import assert from "node:assert/strict";
import { test } from "node:test";
import { conformance } from "../../testing/conformance.ts";
import { parseSignal } from "./signal.ts";

const oracle = conformance<{ readonly cases: ReadonlyArray<{ readonly fn: string; readonly in: string; readonly out: number; readonly error: string | null }> }>("vectors/go_functions_oracle.json");

test("signals are named and numbered as by Go's library", { skip: oracle.skip }, () => {
  const rows = oracle.read().cases.filter(({ fn }) => fn === "signal.ParseSignal");
  assert.ok(rows.length > 0);
  for (const row of rows) assert.equal(parseSignal(row.in), row.error === null ? row.out : undefined, JSON.stringify(row.in));
});

const tables = conformance<{ readonly tables: ReadonlyArray<{ readonly func: string; readonly table: Readonly<Record<string, { readonly $int: number }>> }> }>("vectors/tbl_sys_signal.json");

test("every signal of the table has its number", { skip: tables.skip }, () => {
  const table = tables.read().tables.find(({ func }) => func === "TestParseSignal")?.table ?? assert.fail("no table");
  for (const [name, { $int }] of Object.entries(table)) assert.equal(parseSignal(`SIG${name}`), $int, name);
});
