const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** As Docker writes sizes: decimal units, four significant figures. */
export function humanSize(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${Number(value.toPrecision(4))}${UNITS[unit]}`;
}

const FACTORS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, p: 2 ** 50 };

/** `10GB`, `512mb`, `1000`; undefined for what is no size. As buildx has it, a GB in a flag is 2^30 bytes. */
export function parseSize(text: string): number | undefined {
  const [, number, prefix = ""] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text) ?? [];
  return number === undefined ? undefined : Math.round(Number(number) * (FACTORS[prefix.toLowerCase()] ?? 1));
}
