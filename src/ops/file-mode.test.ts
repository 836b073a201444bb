import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { parseFileMode } from "./file-mode.ts";

const vectors = join(resolve(process.env["STEMMA_CONFORMANCE"] ?? "../shared/conformance"), "vectors");
const table = join(vectors, "tbl_dchapes_mode.json");
const skip = existsSync(table) ? false : `no conformance data in ${table}`;

function check(text: string, before: number, after: number, kind: "directory" | "other" = "other"): void {
  assert.equal(parseFileMode(text).apply(before, kind).toString(8), after.toString(8), text);
}

test("numbers replace, symbols change", () => {
  check("755", 0o644, 0o755);
  check("4755", 0, 0o4755);
  check("u+s,go-w", 0o755, 0o4755);
  check("a=rX", 0o600, 0o444);
  check("a=rX", 0o700, 0o555);
  check("a=rX", 0o600, 0o555, "directory");
  check("go=u-w", 0o700, 0o755);
  check("+t", 0o777, 0o1777);
});

test("what is no mode is refused", () => {
  for (const text of ["", ",", "u", "q+r", "u+r,"]) assert.throws(() => parseFileMode(text), { message: "invalid syntax" }, text);
  assert.throws(() => parseFileMode("9"), { message: 'strconv.ParseInt: parsing "9": invalid syntax' });
});

interface Row {
  readonly str: string;
  readonly omode: number;
  readonly nmode: number;
  readonly umask: number;
}

test("the table of the library that BuildKit uses holds, for no umask as there", { skip }, () => {
  const { tables } = JSON.parse(readFileSync(table, "utf8")) as { readonly tables: ReadonlyArray<{ readonly func: string; readonly table: readonly unknown[] }> };
  const rows = tables.filter(({ func }) => func === "TestApply").flatMap((each) => each.table as readonly Row[])
    // The table is of an older version than the one that BuildKit has, in which `-X` does nothing.
    .filter(({ umask, str }) => umask === 0 && !str.includes("-X"));
  assert.ok(rows.length > 60, `${rows.length} rows`);
  for (const { str, omode, nmode } of rows) check(str, unixMode(omode), unixMode(nmode), omode >= 2 ** 31 ? "directory" : "other");
  for (const { func, table: errors } of tables) {
    if (func !== "TestParseError") continue;
    for (const { input } of errors as ReadonlyArray<{ readonly input: string }>) assert.throws(() => parseFileMode(input), { code: "step-failed" }, input);
  }
});

test("modes change as BuildKit's library changes them", { skip }, () => {
  const oracle = JSON.parse(readFileSync(join(vectors, "go_functions_oracle.json"), "utf8")) as { readonly cases: readonly OracleRow[] };
  const rows = oracle.cases.filter(({ fn }) => fn === "mode.Parse");
  assert.ok(rows.length > 10, `${rows.length} rows`);
  for (const { in: text, error, apply } of rows) {
    if (typeof error === "string") {
      assert.throws(() => parseFileMode(text), { message: error }, text);
      continue;
    }
    for (const [before, after] of Object.entries(apply ?? {})) check(text, listedMode(before), listedMode(after), before.startsWith("d") ? "directory" : "other");
  }
});

interface OracleRow {
  readonly fn: string;
  readonly in: string;
  readonly error?: string | null;
  readonly apply?: Readonly<Record<string, string>>;
}

/** A mode as Go prints it: letters for the kind, set-id (`u`, `g`) and sticky (`t`) in front of nine for permissions. */
function listedMode(text: string): number {
  const special = text.slice(0, -9);
  const permissions = Array.from(text.slice(-9)).reduce((mode, letter) => mode * 2 + (letter === "-" ? 0 : 1), 0);
  return permissions | (special.includes("u") ? 0o4000 : 0) | (special.includes("g") ? 0o2000 : 0) | (special.includes("t") ? 0o1000 : 0);
}

/** Bits of Go's os.FileMode: set-user-id 23, set-group-id 22, sticky 20. */
function unixMode(mode: number): number {
  return (mode & 0o777) | ((mode & (1 << 23)) === 0 ? 0 : 0o4000) | ((mode & (1 << 22)) === 0 ? 0 : 0o2000) | ((mode & (1 << 20)) === 0 ? 0 : 0o1000);
}
