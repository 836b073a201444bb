import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { csvFields } from "./csv-fields.ts";

const TABLE = `${process.env["STEMMA_CONFORMANCE"] ?? "../shared/conformance"}/vectors/tbl_go_csvvalue.json`;

interface Row {
  readonly Comma: number;
  readonly Input: string;
  readonly LazyQuotes: boolean;
  readonly Name: string;
  readonly Output?: readonly string[];
  readonly Error?: { readonly $error: string };
  readonly TrimLeadingSpace: boolean;
}

test("values are split as Go's library for flags splits them", { skip: existsSync(TABLE) ? false : `${TABLE} is missing` }, () => {
  const { tables } = JSON.parse(readFileSync(TABLE, "utf8")) as { tables: ReadonlyArray<{ func: string; table: readonly Row[] }> };
  const rows = tables.filter(({ func }) => func === "TestFields").flatMap(({ table }) => table).filter((row) => row.Comma === 0 && !row.LazyQuotes && !row.TrimLeadingSpace);
  assert.ok(rows.length > 10);
  for (const { Name, Input, Output, Error: expected } of rows) {
    if (expected !== undefined) assert.throws(() => csvFields(Input), { message: expected.$error }, Name);
    else assert.deepEqual(csvFields(Input), Output, Name);
  }
});
