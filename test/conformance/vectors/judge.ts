import type { Skip } from "../skips.ts";
import type { RowChecks } from "./row-check.ts";
import { findCheck, rowProblem, type VectorTable } from "./vector-file.ts";

/** What came of one table or file of records. */
export interface Verdict {
  readonly name: string;
  readonly passed: number;
  readonly skipped: number;
  /** One text for each case that does not hold. */
  readonly failures: readonly string[];
  /** Why the skipped ones are. */
  readonly reason: string | undefined;
}

const SHOWN_ROW = 300;

/** Holds every row of a table that is not listed as skipped; a table that nobody knows is one failure. */
export function judgeTable(table: VectorTable, checks: RowChecks, skips: readonly Skip[]): Verdict {
  const skip = skips.find((one) => one.table === table.placedName) ?? skips.find((one) => one.table === table.name);
  // The table's name says what the rows are.
  const [skipped, held] = partition(table.rows, (row) => skip !== undefined && (skip.rows === undefined || skip.rows(row as never)));
  const name = table.placedName;
  const verdict = { name, skipped: skipped.length, reason: skipped.length === 0 ? undefined : skip?.reason };
  const check = findCheck(table, checks);
  if (check === undefined) {
    const isListed = skip !== undefined && skip.rows === undefined;
    return { ...verdict, passed: 0, failures: isListed ? [] : ["nothing here checks this table, and skips.ts does not name it"] };
  }
  const failures = held.flatMap((row) => {
    const problem = rowProblem(check, row, table.file);
    return problem === undefined ? [] : [`${JSON.stringify(row)?.slice(0, SHOWN_ROW)}\n${problem}`];
  });
  return { ...verdict, passed: held.length - failures.length, failures };
}

function partition<Item>(items: readonly Item[], isFirst: (item: Item) => boolean): readonly [readonly Item[], readonly Item[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}
