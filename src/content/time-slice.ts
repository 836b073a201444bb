import { setImmediate } from "node:timers/promises";

/** Work done in one go before others get their turn. A session is lost when health checks wait for seconds; this is far below. */
const SLICE_MS = 10;

/**
 * Lets long loops of synchronous file system calls, which are many times faster than promises,
 * share the event loop: `if (slice.isSpent) await slice.renew(signal)`.
 */
export class TimeSlice {
  #endMs: number = performance.now() + SLICE_MS;
  #renewing: Promise<void> | undefined;

  get isSpent(): boolean {
    return performance.now() >= this.#endMs;
  }

  /** Loops that share a slice get the next one together, and not each a whole one in the same turn. */
  async renew(signal: AbortSignal): Promise<void> {
    await (this.#renewing ??= this.#renew());
    signal.throwIfAborted();
  }

  async #renew(): Promise<void> {
    await setImmediate();
    this.#endMs = performance.now() + SLICE_MS;
    this.#renewing = undefined;
  }
}
