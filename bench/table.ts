export interface Spread {
  readonly minMs: number;
  readonly medianMs: number;
  readonly maxMs: number;
}

export interface Row {
  readonly name: string;
  readonly claim: string;
  readonly stemma: Spread;
  readonly buildah: Spread;
}

export function spreadOf(times: readonly number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b);
  return { minMs: sorted[0] ?? 0, medianMs: sorted[Math.floor(sorted.length / 2)] ?? 0, maxMs: sorted.at(-1) ?? 0 };
}

/** One line of the table in RESULTS.md: median and, in brackets, the extremes. */
export function describeRow({ name, claim, stemma, buildah }: Row): string {
  return `| ${name} | ${claim} | ${describeSpread(stemma)} | ${describeSpread(buildah)} | ${(stemma.medianMs / buildah.medianMs).toFixed(2)} |`;
}

export function describeSpread({ minMs, medianMs, maxMs }: Spread): string {
  const unit = medianMs >= 1000 ? (ms: number) => `${(ms / 1000).toFixed(2)} s` : (ms: number) => `${ms.toFixed(0)} ms`;
  return `${unit(medianMs)} (${unit(minMs)}–${unit(maxMs)})`;
}
