/** How often others could have had their turn while this went on. */
export async function turnsDuring(act: () => Promise<unknown>): Promise<number> {
  let [turns, isOver] = [0, false];
  const turn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await act().finally(() => (isOver = true));
  return turns;
}

/** A directory with as many files, as `layerOf` reads it. */
export function manyFiles(count: number): readonly string[] {
  return ["d 755 0:0 many", ...Array.from({ length: count }, (_, i) => `f 644 0:0 many/${i} = x`)];
}
