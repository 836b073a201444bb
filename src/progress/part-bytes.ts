/** Nothing where nothing passed, and of how much where that was known. */
export function partBytes({ doneBytes, totalBytes = 0 }: { readonly doneBytes: number; readonly totalBytes: number | undefined }): string {
  return totalBytes !== 0 ? ` ${bytesText(doneBytes)} / ${bytesText(totalBytes)}` : doneBytes !== 0 ? ` ${bytesText(doneBytes)}` : "";
}

/** As BuildKit writes sizes: decimal units, two digits behind the point. */
export function bytesText(sizeBytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(2)}${units[unit]}`;
}
