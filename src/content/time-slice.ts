import { setImmediate } from "node:timers/promises";

/** Work done in one go before others get their turn. A session is lost when health checks wait for seconds; this is far below. */
const SLICE_MS = 10;

/**
 * Lets long loops of synchronous file system calls, which are many times faster than promises,
 * share the event loop: `if (slice.isSpent) await slice.renew(signal)`.
 */
export class TimeSlice {
  #endMs: number = performance.now() + SLICE_MS;

  get isSpent(): boolean {
    return performance.now() >= this.#endMs;
  }

  async renew(signal: AbortSignal): Promise<void> {
    await setImmediate();
    signal.throwIfAborted();
    this.#endMs = performance.now() + SLICE_MS;
  }
}
