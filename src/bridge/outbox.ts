/** Messages of several senders on their way to one reader. Whoever sends waits until the reader has come for the next. */
export class Outbox<T> {
  readonly #waiting: Array<{ readonly message: T; readonly taken: () => void }> = [];
  #wake: () => void = () => undefined;
  #end: { readonly error: unknown } | undefined;
  #closed = false;

  /** What is sent when nobody reads any more is lost. */
  send(message: T): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ message, taken: resolve });
    this.#wake();
    return promise;
  }

  /** The reader gets what was sent before, and then the end. */
  end(): void {
    this.#finish({ error: undefined });
  }

  /** The reader gets the error next. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  async *read(): AsyncIterable<T> {
    try {
      for (;;) {
        if (this.#end?.error !== undefined) throw this.#end.error;
        const next = this.#waiting.shift();
        if (next !== undefined) {
          try {
            yield next.message;
          } finally {
            next.taken();
          }
        } else if (this.#end !== undefined) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.#closed = true;
      for (const { taken } of this.#waiting.splice(0)) taken();
    }
  }

  #finish(end: { readonly error: unknown }): void {
    this.#end ??= end;
    this.#wake();
  }
}
