import type { BuildEvent } from "../progress/event.ts";

/** Later output of a run is not kept: what its steps did stays known. */
const OUTPUT_BYTES_KEPT_MAX = 4 * 1024 * 1024;
/** The same for the number of events other than steps. */
const EVENTS_KEPT_MAX = 50_000;

/** The events of one run as text, one JSON object a line, bounded. */
export class EventLog {
  readonly #lines: string[] = [];
  #outputBytes = 0;
  #dropped = 0;

  /** The line that it became; undefined where it is not kept. */
  add(event: BuildEvent): string | undefined {
    if (this.#isTooMuch(event)) {
      this.#dropped++;
      return undefined;
    }
    if (event.kind === "step-output") this.#outputBytes += event.bytes.byteLength;
    const line = `${JSON.stringify(plainEvent(event))}\n`;
    this.#lines.push(line);
    return line;
  }

  text(): string {
    const dropped: BuildEvent[] = this.#dropped === 0 ? [] : [{ kind: "notice", message: `${this.#dropped} pieces of output were not kept: the log of a build is kept up to ${OUTPUT_BYTES_KEPT_MAX / 1024 / 1024} MiB` }];
    return [...this.#lines, ...dropped.map((event) => `${JSON.stringify(event)}\n`)].join("");
  }

  #isTooMuch(event: BuildEvent): boolean {
    if (event.kind === "step-output") return this.#outputBytes + event.bytes.byteLength > OUTPUT_BYTES_KEPT_MAX || this.#lines.length > EVENTS_KEPT_MAX;
    return event.kind === "step-progress" && this.#lines.length > EVENTS_KEPT_MAX;
  }
}

/** Output may be no text: bytes are kept as base64. */
function plainEvent(event: BuildEvent): object {
  return event.kind === "step-output" ? { ...event, bytes: Buffer.from(event.bytes).toString("base64") } : event;
}

/** The events of a log, in order. */
export function* parseEventLog(text: string): Generator<BuildEvent> {
  for (const line of text.split("\n")) {
    if (line === "") continue;
    // Written by EventLog: an event with its time and its bytes as text.
    const { at, bytes, ...event } = JSON.parse(line) as { readonly at?: string; readonly bytes?: string; readonly kind: string };
    yield { ...event, ...(at === undefined ? {} : { at: new Date(at) }), ...(bytes === undefined ? {} : { bytes: Buffer.from(bytes, "base64") }) } as BuildEvent;
  }
}
