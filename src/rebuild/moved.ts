/**
 * Which of the numbers 0…n-1 stand elsewhere than in order: as few as can be said to have moved, so that one
 * entry in another place is one, and not all those behind it.
 */
export function moved(order: readonly number[]): ReadonlySet<number> {
  // The longest run of numbers that rise stays; patience sorting finds it in n·log n.
  const tails: number[] = [];
  const before = new Map<number, number | undefined>();
  for (const number of order) {
    const at = firstNotBelow(tails, number);
    before.set(number, tails[at - 1]);
    tails[at] = number;
  }
  const stay = new Set<number>();
  for (let number = tails.at(-1); number !== undefined; number = before.get(number)) stay.add(number);
  return new Set(order.filter((number) => !stay.has(number)));
}

function firstNotBelow(sorted: readonly number[], wanted: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
