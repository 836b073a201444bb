import assert from "node:assert/strict";
import { test } from "node:test";
import { conformance } from "../../testing/conformance.ts";
import { parseByteSize } from "./byte-size.ts";
import { parseCheckOptions, type CheckOptions } from "./check-options.ts";
import { csvFields } from "./csv-fields.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { parseBool, quote } from "./go-text.ts";
import { nearest } from "./suggestion.ts";

interface Row {
  readonly fn: string;
  readonly in: unknown;
  readonly out?: unknown;
  readonly error?: string | null;
  readonly str?: string;
  readonly options?: readonly string[];
  readonly caseSensitive?: boolean;
}

const oracle = conformance<{ readonly cases: readonly Row[] }>("vectors/go_functions_oracle.json");

/** The functions of this folder; the other rows are checked where their functions are. */
const FUNCTIONS: Readonly<Record<string, (row: Row) => unknown>> = {
  "time.ParseDuration": (row) => {
    const ns = parseDuration(String(row.in));
    assert.equal(formatDuration(ns), row.str);
    return Number(ns);
  },
  "units.RAMInBytes": (row) => Number(parseByteSize(String(row.in))),
  "csvvalue.Fields": (row) => csvFields(String(row.in)),
  "strconv.ParseBool": (row) => {
    const bool = parseBool(String(row.in));
    if (bool === undefined) throw new Error(`strconv.ParseBool: parsing ${quote(String(row.in))}: invalid syntax`);
    return bool;
  },
  "suggest.Search": (row) => nearest(String(row.in), row.options ?? [], row.caseSensitive === true) ?? "",
  // The rows' one byte that is not UTF-8, 0xff, came through JSON as U+FFFD.
  "fmt CMD %q": (row) => `CMD [${Array.isArray(row.in) ? row.in.map((item) => quote(String(item).replace("\ufffd", "\udcff"))).join(" ") : ""}]`,
  "linter.ParseLintOptions": (row) => goOptions(parseCheckOptions(String(row.in))),
};

for (const [fn, call] of Object.entries(FUNCTIONS)) {
  test(`${fn} gives what Go's gives`, { skip: oracle.skip }, () => {
    const rows = oracle.read().cases.filter((row) => row.fn === fn);
    assert.ok(rows.length > 0);
    for (const row of rows) {
      if (typeof row.error === "string") assert.throws(() => call(row), { message: row.error }, JSON.stringify(row.in));
      else assert.deepEqual(call(row), row.out, JSON.stringify(row.in));
    }
  });
}

interface CsvRow {
  readonly Input: string;
  readonly Output?: readonly string[];
  readonly Error?: { readonly $error: string };
  readonly Comma: number;
  readonly LazyQuotes: boolean;
  readonly TrimLeadingSpace: boolean;
}

const csv = conformance<{ readonly tables: ReadonlyArray<{ readonly func: string; readonly table: readonly unknown[] }> }>("vectors/tbl_go_csvvalue.json");

test("the tables of csvvalue's unit tests hold", { skip: csv.skip }, () => {
  for (const { func, table } of csv.read().tables) {
    if (func === "TestFields") {
      // The name of the table says what its rows are.
      (table as readonly CsvRow[]).forEach(checkCsv);
    } else assert.deepEqual(csvFields("foo,bar,baz"), table, func);
  }
});

function checkCsv({ Input, Output, Error: refused, Comma, LazyQuotes, TrimLeadingSpace }: CsvRow): void {
  const rules = { separator: Comma === 0 ? "," : String.fromCodePoint(Comma), lazyQuotes: LazyQuotes, trimLeadingSpace: TrimLeadingSpace };
  if (refused !== undefined) assert.throws(() => csvFields(Input, rules), { message: refused.$error }, Input);
  else assert.deepEqual(csvFields(Input, rules), Output, Input);
}

function goOptions(options: CheckOptions): unknown {
  const orNull = (rules: readonly string[]): readonly string[] | null => (rules.length === 0 ? null : rules);
  return { ...options, skip: orNull(options.skip), experimental: orNull(options.experimental) };
}

test("a duration that its fraction carries over the limit is refused, and the least one is not", () => {
  assert.equal(parseDuration("-9223372036854775808ns"), -(2n ** 63n));
  assert.throws(() => parseDuration("9223372036854775807.9µs"), { message: 'time: invalid duration "9223372036854775807.9\\xc2\\xb5s"' });
  assert.equal(formatDuration(-1_500_000n), "-1.5ms");
});
