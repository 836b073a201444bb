const TAB = 8;

/** Rows of which each cell but the last is filled up with tabs to its column's width, as Go's tabwriter does for buildx. */
export function tabColumns(rows: ReadonlyArray<readonly string[]>): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.ceil((Math.max(...rows.map((row) => lengthOf(row[column] ?? ""))) + 1) / TAB) * TAB);
  return rows.map((row) => `${row.map((cell, column) => (column === row.length - 1 ? cell : cell + "\t".repeat(Math.ceil(((widths[column] ?? 0) - lengthOf(cell)) / TAB)))).join("")}\n`).join("");
}

/** In characters, not in UTF-16's halves of them. */
function lengthOf(text: string): number {
  return Array.from(text).length;
}
