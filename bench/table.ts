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

/** One line of the table in RESULTS.md: median and, in brackets, the extremes. */
export function describeRow({ name, claim, stemma, buildah }: Row): string {
  return `| ${name} | ${claim} | ${describe(stemma)} | ${describe(buildah)} | ${(stemma.medianMs / buildah.medianMs).toFixed(2)} |`;
}

function describe({ minMs, medianMs, maxMs }: Spread): string {
  const unit = medianMs >= 1000 ? (ms: number) => `${(ms / 1000).toFixed(2)} s` : (ms: number) => `${ms.toFixed(0)} ms`;
  return `${unit(medianMs)} (${unit(minMs)}–${unit(maxMs)})`;
}
