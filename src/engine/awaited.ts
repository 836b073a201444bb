/** Somebody who cannot wait needs what nobody has found out yet. */
class Unready extends Error {
  override readonly name = "Unready";
  readonly key: string;
  readonly find: (signal: AbortSignal) => Promise<unknown>;

  constructor(key: string, find: (signal: AbortSignal) => Promise<unknown>) {
    super(`${key} is not known yet`);
    this.key = key;
    this.find = find;
  }
}

/** For an interpreter that cannot wait: work that needs what is not known yet is done anew when it is. */
export class Awaited {
  readonly #found = new Map<string, unknown>();

  /** Within `run`. The same key has to be asked for in the same way. */
  get<T>(key: string, find: (signal: AbortSignal) => Promise<T>): T {
    if (!this.#found.has(key)) throw new Unready(key, find);
    // What `find` of this key gave.
    return this.#found.get(key) as T;
  }

  async run<T>(work: () => T, signal: AbortSignal): Promise<T> {
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (!(error instanceof Unready)) throw error;
        this.#found.set(error.key, await error.find(signal));
      }
    }
  }
}
