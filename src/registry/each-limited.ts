/**
 * Does something for every item, so many at a time. The first failure stops the others and is what this rejects with;
 * it settles only when none is under way any more.
 */
export async function eachLimited<T>(items: Iterable<T>, limit: number, run: (item: T, signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const queue = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | undefined;

  async function work(): Promise<void> {
    while (failure === undefined) {
      const next = queue.next();
      if (next.done === true) return;
      try {
        await run(next.value, either);
      } catch (error) {
        failure ??= { error };
        stop.abort(new Error("another of these failed"));
      }
    }
  }

  await Promise.all(Array.from({ length: limit }, work));
  signal.throwIfAborted();
  if (failure !== undefined) throw failure.error;
}
