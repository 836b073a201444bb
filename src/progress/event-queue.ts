import type { BuildEvent } from "./event.ts";

/** Events kept for a reader that is slow or never comes. Later output is dropped first: what steps did stays known. */
const EVENTS_KEPT_MAX = 10_000;
/** The same for the bytes of what steps printed. */
const OUTPUT_BYTES_KEPT_MAX = 16 * 1024 * 1024;

/** Events on their way to whoever reads them. Writing never waits, and nobody has to read. */
export class EventQueue implements AsyncIterable<BuildEvent> {
  readonly #events: BuildEvent[] = [];
  #outputBytes = 0;
  #ended = false;
  #dropped = 0;
  /** Readers that have taken all that there was. */
  #waiting: Array<() => void> = [];

  push(event: BuildEvent): void {
    if (this.#ended) return;
    if (event.kind === "step-output" && this.#isFull(event.bytes.byteLength)) {
      this.#dropped++;
      return;
    }
    this.#events.push(event);
    this.#outputBytes += outputBytes(event);
    this.#wake();
  }

  end(): void {
    if (this.#dropped > 0) this.#events.push({ kind: "notice", message: `${this.#dropped} pieces of output were dropped, since nobody read them` });
    this.#ended = true;
    this.#wake();
  }

  /** Each event once: a second reader gets what the first one has not taken, and both are told of the end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<BuildEvent, void, void> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) {
        this.#outputBytes -= outputBytes(event);
        yield event;
      } else if (this.#ended) return;
      else await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    }
  }

  #isFull(moreBytes: number): boolean {
    return this.#events.length >= EVENTS_KEPT_MAX || this.#outputBytes + moreBytes > OUTPUT_BYTES_KEPT_MAX;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

function outputBytes(event: BuildEvent): number {
  return event.kind === "step-output" ? event.bytes.byteLength : 0;
}
