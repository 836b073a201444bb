/** Rows of two cells, the first as wide as the widest with one space behind it: what Go's tabwriter makes of `a\tb\n`. */
export function alignColumns(rows: ReadonlyArray<readonly [left: string, right: string]>): string {
  const width = Math.max(0, ...rows.map(([left]) => Array.from(left).length)) + 1;
  return rows.map(([left, right]) => `${left.padEnd(width)}${right}\n`).join("");
}
