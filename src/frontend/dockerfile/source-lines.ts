import { isAscii } from "node:buffer";
import { decodeSource } from "./source-text.ts";

/** Longest line that BuildKit reads, in bytes, without its line feed. */
export const MAX_LINE_BYTES = 65_535;

/** The physical lines of a file, one after another, each with its line end. */
export class SourceLines {
  readonly #bytes: Uint8Array;
  /** The whole text where each of its characters is one byte, as in nearly all files: its lines need no decoding of their own. */
  readonly #ascii: string | undefined;
  #at = 0;
  #taken = 0;
  #tooLong = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#ascii = isAscii(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1") : undefined;
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
    const feed = this.#ascii?.indexOf("\n", this.#at) ?? this.#bytes.indexOf(LINE_FEED, this.#at);
    const end = feed === -1 ? this.#bytes.length : feed;
    if (end - this.#at > MAX_LINE_BYTES) {
      this.#tooLong = true;
      return undefined;
    }
    const line = this.#ascii?.slice(this.#at, end + 1) ?? decodeSource(this.#bytes.subarray(this.#at, end + 1));
    this.#at = end + 1;
    this.#taken++;
    return line;
  }
}

const LINE_FEED = 0x0a;
