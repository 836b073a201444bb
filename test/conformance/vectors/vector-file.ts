import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { gunzipSync } from "node:zlib";
import type { RowCheck, RowChecks } from "./row-check.ts";

export interface VectorTable {
  /** `FILE#TABLE`, without the ending of a packed file. */
  readonly name: string;
  /** Where several tables have one name: the same with the line of the source that it stands on. */
  readonly placedName: string;
  readonly rows: readonly unknown[];
  /** The whole file: rows may refer to what it holds beside them. */
  readonly file: unknown;
}

/** Members that rows refer to, and that are no tables. */
const MATERIAL: ReadonlySet<string> = new Set(["provenance", "env", "lexers", "files", "data", "fixtures"]);

/** The tables of one file of `vectors/`. Throws where it is no JSON object. */
export function readVectorFile(path: string): readonly VectorTable[] {
  const bytes = readFileSync(path);
  const file: unknown = JSON.parse((path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8"));
  if (typeof file !== "object" || file === null) throw new Error(`${path} holds no JSON object`);
  const base = basename(path).replace(/\.gz$/, "");
  return "tables" in file ? extractedTables(base, file) : Object.entries(file).filter(([member]) => !MATERIAL.has(member)).flatMap(([member, rows]) => perFunction(`${base}#${member}`, rowsOf(rows), file));
}

interface Extracted {
  readonly func: string;
  readonly line: number;
  readonly table: unknown;
}

function extractedTables(base: string, file: object): readonly VectorTable[] {
  // The form that the data's README gives.
  const { tables } = file as { readonly tables: readonly Extracted[] };
  return tables.map(({ func, line, table }) => ({ name: `${base}#${func}`, placedName: `${base}#${func}:${line}`, rows: rowsOf(table), file }));
}

/** Rows that name the function which they speak of are one table for each function. */
function perFunction(name: string, rows: readonly unknown[], file: object): readonly VectorTable[] {
  const groups = Map.groupBy(rows, (row) => (typeof row === "object" && row !== null && "fn" in row ? `${name}/${String(row.fn)}` : name));
  return [...groups].map(([group, members]) => ({ name: group, placedName: group, rows: members, file }));
}

/** A list's items, or an object's `[key, value]`. */
function rowsOf(table: unknown): readonly unknown[] {
  if (Array.isArray(table)) return table;
  return typeof table === "object" && table !== null ? Object.entries(table) : [table];
}

export function findCheck(table: VectorTable, checks: RowChecks): RowCheck | undefined {
  return checks[table.placedName] ?? checks[table.name];
}

/** What the row says that is not so; undefined where it holds. */
export function rowProblem(check: RowCheck, row: unknown, file: unknown): string | undefined {
  try {
    // The table's name says what its rows are: a check that is given another form throws.
    check(row as never, file as never);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
