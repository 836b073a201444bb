/** Ranks of some of many items by a value, where items come and go: 1 for what has 0, and one more for each other value that there is, in order. */
export class DenseRanks {
  /** Of each item: the place of its value among all values. */
  readonly places: Int32Array;
  /** How many different values there are, of items that are there or not. */
  readonly placeCount: number;
  /** How many items have the value of a place. */
  readonly #itemCounts: Int32Array;
  /** A Fenwick tree over the places: values that something has, without 0. */
  readonly #sums: Int32Array;
  readonly #zeroPlace: number;
  /** Of the highest value that there is. */
  max = 1;

  constructor(values: readonly number[]) {
    const known = values.map((value) => Math.max(0, value));
    const distinct = [...new Set(known)].toSorted((a, b) => a - b);
    const placeOf = new Map(distinct.map((value, place) => [value, place]));
    this.places = Int32Array.from(known, (value) => placeOf.get(value) ?? 0);
    this.placeCount = distinct.length;
    this.#zeroPlace = placeOf.get(0) ?? -1;
    this.#itemCounts = new Int32Array(distinct.length);
    this.#sums = new Int32Array(distinct.length + 1);
  }

  add(item: number): void {
    const place = this.places[item] ?? 0;
    if (this.#count(place, 1) === 1) this.#change(place, 1);
  }

  remove(item: number): void {
    const place = this.places[item] ?? 0;
    if (this.#count(place, -1) === 0) this.#change(place, -1);
  }

  rank(place: number): number {
    let rank = 1;
    for (let at = place + 1; at > 0; at -= at & -at) rank += this.#sums[at] ?? 0;
    return rank;
  }

  #count(place: number, change: 1 | -1): number {
    const count = (this.#itemCounts[place] ?? 0) + change;
    this.#itemCounts[place] = count;
    return count;
  }

  #change(place: number, change: 1 | -1): void {
    if (place === this.#zeroPlace) return;
    this.max += change;
    for (let at = place + 1; at < this.#sums.length; at += at & -at) this.#sums[at] = (this.#sums[at] ?? 0) + change;
  }
}
