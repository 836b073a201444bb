import { DenseRanks } from "./dense-ranks.ts";
import { LowestFirst } from "./lowest-first.ts";
import type { UsageRecord } from "./usage-record.ts";

/** Older than nothing. */
const NONE = 0x7fff_ffff;

/**
 * Which of what may go goes next where there is a bound, by BuildKit's rule: ranks by the time of the last use and by the number of
 * uses count equally, each as a share of its highest; ranks are made anew after each removal, and nothing goes before what was made of it.
 *
 * A removal changes the ranks of much, and the order within each of a little only: so records stand by their number of uses, the oldest in front,
 * and of each number only that one can be next.
 */
export class RemovalOrder {
  /** From the oldest on; records are known by their places in it. */
  readonly #records: readonly UsageRecord[];
  readonly #numbers: ReadonlyMap<UsageRecord, number>;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #ages: DenseRanks;
  readonly #counts: DenseRanks;
  /** By number of uses: what nothing that is left was made of. */
  readonly #free: readonly LowestFirst[];
  /** By number of uses: the place of the lowest age. */
  readonly #oldest: Int32Array;
  /** Gone, or to stay. */
  readonly #settled: Uint8Array;
  readonly #isFree: Uint8Array;
  /** How much of what is left was made of each. */
  readonly #users = new Map<string, number>();

  constructor(candidates: readonly UsageRecord[], left: Iterable<UsageRecord>) {
    this.#records = candidates.toSorted((a, b) => a.usedMs - b.usedMs);
    this.#numbers = new Map(this.#records.map((record, number) => [record, number]));
    this.#ids = new Map(this.#records.map(({ id }, number) => [id, number]));
    this.#ages = new DenseRanks(this.#records.map(({ usedMs }) => usedMs));
    this.#counts = new DenseRanks(this.#records.map(({ useCount }) => useCount));
    this.#free = Array.from({ length: this.#counts.placeCount }, () => new LowestFirst());
    this.#oldest = new Int32Array(this.#counts.placeCount).fill(NONE);
    this.#settled = new Uint8Array(this.#records.length);
    this.#isFree = new Uint8Array(this.#records.length);
    for (const { parents } of left) for (const parent of parents) this.#users.set(parent, (this.#users.get(parent) ?? 0) + 1);
    for (const [number, { id }] of this.#records.entries()) if ((this.#users.get(id) ?? 0) === 0) this.#release(number);
  }

  next(): UsageRecord | undefined {
    const [ages, counts] = [this.#ages.max, this.#counts.max];
    let first: { readonly place: number; readonly score: number } | undefined;
    let oldest = NONE;
    for (let place = 0; place < this.#oldest.length; place++) {
      const age = this.#oldest[place] ?? NONE;
      // What is used more often, and is no older than another, goes after that.
      if (age >= oldest) continue;
      oldest = age;
      const score = this.#ages.rank(age) / ages + this.#counts.rank(place) / counts;
      if (first === undefined || score <= first.score) first = { place, score };
    }
    return first === undefined ? undefined : this.#records[this.#free[first.place]?.lowest ?? -1];
  }

  /** It is gone. */
  took(record: UsageRecord): void {
    this.pass(record);
    for (const parent of record.parents) {
      const users = (this.#users.get(parent) ?? 1) - 1;
      this.#users.set(parent, users);
      const number = this.#ids.get(parent);
      if (users === 0 && number !== undefined && this.#settled[number] === 0) this.#release(number);
    }
  }

  /** It stays, whatever comes. */
  pass(record: UsageRecord): void {
    const number = this.#numbers.get(record);
    if (number === undefined || this.#settled[number] === 1) return;
    this.#settled[number] = 1;
    if (this.#isFree[number] === 0) return;
    this.#ages.remove(number);
    this.#counts.remove(number);
    this.#settleOldest(this.#counts.places[number] ?? 0);
  }

  /** Nothing that is left was made of it. */
  #release(number: number): void {
    if (this.#isFree[number] === 1) return;
    this.#isFree[number] = 1;
    this.#ages.add(number);
    this.#counts.add(number);
    const place = this.#counts.places[number] ?? 0;
    this.#free[place]?.add(number);
    this.#settleOldest(place);
  }

  #settleOldest(place: number): void {
    const free = this.#free[place];
    while (free?.lowest !== undefined && this.#settled[free.lowest] === 1) free.removeLowest();
    this.#oldest[place] = free?.lowest === undefined ? NONE : (this.#ages.places[free.lowest] ?? NONE);
  }
}
