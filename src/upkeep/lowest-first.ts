/** Numbers of which the lowest is at hand: a binary heap. */
export class LowestFirst {
  readonly #heap: number[] = [];

  get lowest(): number | undefined {
    return this.#heap[0];
  }

  add(number: number): void {
    let at = this.#heap.length;
    for (; at > 0; at = (at - 1) >> 1) {
      const above = this.#at((at - 1) >> 1);
      if (above <= number) break;
      this.#heap[at] = above;
    }
    this.#heap[at] = number;
  }

  removeLowest(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    let at = 0;
    for (;;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const lower = this.#at(right) < this.#at(left) ? right : left;
      if (this.#at(lower) >= last) break;
      this.#heap[at] = this.#at(lower);
      at = lower;
    }
    this.#heap[at] = last;
  }

  #at(place: number): number {
    return this.#heap[place] ?? Infinity;
  }
}
