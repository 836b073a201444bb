import type { FoundSecrets } from "./find-secrets.ts";
import { maskSpans } from "./secret-span.ts";

/** A line that does not end is let go when it has become this long: it is no line, and nobody should wait for more of it. */
const LINE_BYTES_MAX = 256 * 1024;
const [LINE_FEED, CARRIAGE_RETURN] = [0x0a, 0x0d];

/**
 * What a program prints, as it prints it, without secrets. A secret may come in two pieces, so that what is given out ends with a line.
 * Bytes without a secret come out as they are, whatever their encoding.
 */
export class LineScrubber {
  readonly #find: (text: string, beginsInKey: boolean) => FoundSecrets;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #isInKey = false;

  constructor(find: (text: string, beginsInKey: boolean) => FoundSecrets) {
    this.#find = find;
  }

  /** The lines that these bytes complete; empty where there are none. */
  push(bytes: Uint8Array): Uint8Array {
    const chunk = Buffer.from(bytes);
    const end = Math.max(chunk.lastIndexOf(LINE_FEED), chunk.lastIndexOf(CARRIAGE_RETURN)) + 1;
    if (end === 0) return this.#hold(chunk);
    const whole = Buffer.concat([...this.#held, chunk.subarray(0, end)]);
    this.#held = [chunk.subarray(end)];
    this.#heldBytes = chunk.byteLength - end;
    return this.#scrubbed(whole);
  }

  /** What is left, when no more will come. */
  end(): Uint8Array {
    const rest = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return this.#scrubbed(rest);
  }

  #hold(chunk: Buffer): Uint8Array {
    this.#held.push(chunk);
    this.#heldBytes += chunk.byteLength;
    return this.#heldBytes > LINE_BYTES_MAX ? this.end() : Buffer.alloc(0);
  }

  #scrubbed(bytes: Buffer): Uint8Array {
    const text = bytes.toString("utf8");
    const { spans, endsInKey } = this.#find(text, this.#isInKey);
    this.#isInKey = endsInKey;
    return spans.length === 0 ? bytes : Buffer.from(maskSpans(text, spans));
  }
}
