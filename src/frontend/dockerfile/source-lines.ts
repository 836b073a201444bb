import { decodeSource } from "./source-text.ts";

/** Longest line that BuildKit reads, in bytes, without its line feed. */
export const MAX_LINE_BYTES = 65_535;

/** The physical lines of a file, one after another, each with its line end. */
export class SourceLines {
  readonly #bytes: Uint8Array;
  #at = 0;
  #taken = 0;
  #tooLong = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** How many lines were taken: the number of the line taken last. */
  get taken(): number {
    return this.#taken;
  }

  /** True when a line beyond the limit ended the file early. */
  get tooLong(): boolean {
    return this.#tooLong;
  }

  /** The next line; undefined at the end. */
  next(): string | undefined {
    if (this.#tooLong || this.#at >= this.#bytes.length) return undefined;
    const feed = this.#bytes.indexOf(LINE_FEED, this.#at);
    const end = feed === -1 ? this.#bytes.length : feed;
    if (end - this.#at > MAX_LINE_BYTES) {
      this.#tooLong = true;
      return undefined;
    }
    const line = decodeSource(this.#bytes.subarray(this.#at, end + 1));
    this.#at = end + 1;
    this.#taken++;
    return line;
  }
}

const LINE_FEED = 0x0a;
