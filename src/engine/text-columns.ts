/** Cells in columns, `gap` blanks apart, as Go's tabwriter sets them; the last cell of a row gets none behind it. */
export function textColumns(rows: ReadonlyArray<readonly string[]>, gap: number): string {
  const lengthOf = (cell: string): number => Array.from(cell).length;
  const count = Math.max(0, ...rows.map((row) => row.length - 1));
  const widths = Array.from({ length: count }, (_, at) => Math.max(...rows.map((row) => (at < row.length - 1 ? lengthOf(row[at] ?? "") : 0))) + gap);
  return rows.map((row) => `${row.map((cell, at) => (at === row.length - 1 ? cell : cell + " ".repeat((widths[at] ?? 0) - lengthOf(cell)))).join("")}\n`).join("");
}
