export interface Spread {
  readonly minMs: number;
  readonly medianMs: number;
  readonly maxMs: number;
}

/** Who is measured beside Stemma. `alone`: the one tool that does the heart of the case and nothing else. */
export const PEERS = ["buildah", "buildkit", "alone"] as const;
export type Peer = (typeof PEERS)[number];
export type Contestant = "stemma" | Peer;

export interface Row {
  readonly name: string;
  readonly claim: string;
  /** One time for each round, in their order; undefined for who took no part. */
  readonly times: Readonly<Partial<Record<Contestant, readonly number[]>>>;
}

export const HEADER = "| case | what | stemma | buildah | ratio | BuildKit | ratio | alone | ratio |\n|---|---|---|---|---|---|---|---|---|";

export function spreadOf(times: readonly number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b);
  return { minMs: sorted[0] ?? 0, medianMs: sorted[Math.floor(sorted.length / 2)] ?? 0, maxMs: sorted.at(-1) ?? 0 };
}

/** One line of the table in RESULTS.md: medians and, in brackets, the extremes; a ratio is Stemma's time over the peer's of the same round. */
export function describeRow({ name, claim, times }: Row): string {
  const own = times.stemma ?? [];
  const cells = PEERS.flatMap((peer) => {
    const theirs = times[peer];
    return theirs === undefined ? ["–", "–"] : [describeSpread(spreadOf(theirs)), describeRange(own.map((ms, round) => ms / (theirs[round] ?? NaN)), 2)];
  });
  return `| ${[name, claim, describeSpread(spreadOf(own)), ...cells].join(" | ")} |`;
}

/** Median and extremes of any figures. */
export function describeRange(figures: readonly number[], decimals: number): string {
  const { minMs, medianMs, maxMs } = spreadOf(figures);
  return `${medianMs.toFixed(decimals)} (${minMs.toFixed(decimals)}–${maxMs.toFixed(decimals)})`;
}

export function describeSpread({ minMs, medianMs, maxMs }: Spread): string {
  const unit = medianMs >= 1000 ? (ms: number) => `${(ms / 1000).toFixed(2)} s` : (ms: number) => `${ms.toFixed(0)} ms`;
  return `${unit(medianMs)} (${unit(minMs)}–${unit(maxMs)})`;
}
