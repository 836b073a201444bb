import type { UsageRecord } from "./usage-record.ts";

interface Candidate {
  readonly record: UsageRecord;
  ageRank: number;
}

/**
 * Which of what may go goes next where there is a bound, by BuildKit's rule: ranks by the time of the last use and by the number of
 * uses count equally, each as a share of its highest; ranks are made anew after each removal, and nothing goes before what was made of it.
 */
export class RemovalOrder {
  #byAge: readonly Candidate[];
  #byCount: readonly Candidate[];
  /** How much of what is left was made of each. */
  readonly #users = new Map<string, number>();

  constructor(candidates: readonly UsageRecord[], left: Iterable<UsageRecord>) {
    this.#byAge = candidates.map((record) => ({ record, ageRank: 1 })).toSorted((a, b) => a.record.usedMs - b.record.usedMs);
    this.#byCount = this.#byAge.toSorted((a, b) => a.record.useCount - b.record.useCount);
    for (const { parents } of left) for (const parent of parents) this.#users.set(parent, (this.#users.get(parent) ?? 0) + 1);
  }

  next(): UsageRecord | undefined {
    const ages = this.#rankAges();
    const counts = ranks(this.#free(this.#byCount), ({ record }) => record.useCount);
    const countsMax = counts.at(-1)?.rank ?? 1;
    let first: { readonly record: UsageRecord; readonly score: number; readonly ageRank: number } | undefined;
    for (const { item: { record, ageRank }, rank } of counts) {
      const score = ageRank / ages + rank / countsMax;
      if (first === undefined || score < first.score || (score === first.score && ageRank < first.ageRank)) first = { record, score, ageRank };
    }
    return first?.record;
  }

  /** It is gone. */
  took(record: UsageRecord): void {
    this.pass(record);
    for (const parent of record.parents) this.#users.set(parent, (this.#users.get(parent) ?? 1) - 1);
  }

  /** It stays, whatever comes. */
  pass(record: UsageRecord): void {
    this.#byAge = this.#byAge.filter((candidate) => candidate.record !== record);
    this.#byCount = this.#byCount.filter((candidate) => candidate.record !== record);
  }

  /** Returns the highest. */
  #rankAges(): number {
    const ranked = ranks(this.#free(this.#byAge), ({ record }) => record.usedMs);
    for (const { item, rank } of ranked) item.ageRank = rank;
    return ranked.at(-1)?.rank ?? 1;
  }

  #free(candidates: readonly Candidate[]): readonly Candidate[] {
    return candidates.filter(({ record }) => (this.#users.get(record.id) ?? 0) === 0);
  }
}

/** Of what is in the order of its values: what is 0 has the rank 1. */
function ranks(items: readonly Candidate[], valueOf: (item: Candidate) => number): ReadonlyArray<{ readonly item: Candidate; readonly rank: number }> {
  let rank = 1;
  let last = 0;
  return items.map((item) => {
    const value = valueOf(item);
    if (value > last) rank++;
    last = Math.max(last, value);
    return { item, rank };
  });
}
