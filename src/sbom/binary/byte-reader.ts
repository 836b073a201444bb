import { DamagedFileError } from "../read-file.ts";

/** Reads numbers and texts out of bytes that may be anything. Throws DamagedFileError where they end too early. */
export class ByteReader {
  readonly #bytes: Buffer;
  readonly #littleEndian: boolean;
  readonly #wordBytes: 4 | 8;

  constructor(bytes: Uint8Array, form: { readonly littleEndian: boolean; readonly wordBytes: 4 | 8 }) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#littleEndian = form.littleEndian;
    this.#wordBytes = form.wordBytes;
  }

  u16(at: number): number {
    this.#require(at, 2);
    return this.#littleEndian ? this.#bytes.readUInt16LE(at) : this.#bytes.readUInt16BE(at);
  }

  u32(at: number): number {
    this.#require(at, 4);
    return this.#littleEndian ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32BE(at);
  }

  u64(at: number): number {
    this.#require(at, 8);
    const value = this.#littleEndian ? this.#bytes.readBigUInt64LE(at) : this.#bytes.readBigUInt64BE(at);
    // Nothing that is larger is a place in a file; as a number it only stays larger.
    return Number(value);
  }

  /** An address or an offset: as wide as the machine's. */
  word(at: number): number {
    return this.#wordBytes === 8 ? this.u64(at) : this.u32(at);
  }

  bytes(at: number, sizeBytes: number): Buffer {
    this.#require(at, sizeBytes);
    return this.#bytes.subarray(at, at + sizeBytes);
  }

  /** A text that a zero ends, or `limitBytes`. */
  zeroEnded(at: number, limitBytes: number): string {
    this.#require(at, 1);
    const text = this.#bytes.subarray(at, at + limitBytes);
    const end = text.indexOf(0);
    return text.toString("utf8", 0, end < 0 ? text.length : end);
  }

  /** A number in groups of seven bits, the low ones first (encoding/binary of Go), and where it ends. */
  varint(at: number): { readonly value: number; readonly end: number } {
    let value = 0;
    for (let index = 0; index < 7; index++) {
      const [byte = 0] = this.bytes(at + index, 1);
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return { value, end: at + index + 1 };
    }
    throw new DamagedFileError("a length is larger than any file");
  }

  #require(at: number, sizeBytes: number): void {
    if (!(at >= 0 && sizeBytes >= 0 && at + sizeBytes <= this.#bytes.length)) throw new DamagedFileError("it ends too early");
  }
}
