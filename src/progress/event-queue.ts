import type { BuildEvent } from "./event.ts";

/** Events kept for a reader that is slow or never comes. Later output is dropped first: what steps did stays known. */
const EVENTS_KEPT_MAX = 10_000;

/** Events on their way to at most one reader. Writing never waits, and nobody has to read. */
export class EventQueue implements AsyncIterable<BuildEvent> {
  readonly #events: BuildEvent[] = [];
  #ended = false;
  #dropped = 0;
  #wake: (() => void) | undefined;

  push(event: BuildEvent): void {
    if (this.#ended) return;
    if (this.#events.length >= EVENTS_KEPT_MAX && event.kind === "step-output") this.#dropped++;
    else this.#events.push(event);
    this.#wake?.();
  }

  end(): void {
    if (this.#dropped > 0) this.#events.push({ kind: "notice", message: `${this.#dropped} pieces of output were dropped, since nobody read them` });
    this.#ended = true;
    this.#wake?.();
  }

  /** Each event once: a second reader gets what the first one has not taken. */
  async *[Symbol.asyncIterator](): AsyncGenerator<BuildEvent, void, void> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) yield event;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
