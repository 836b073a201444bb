/** The bytes of one block of Snappy (google/snappy's format_description.txt). Throws RangeError for what is none, or longer than that. */
export function unsnappy(bytes: Uint8Array, limitBytes: number): Buffer {
  const reader = new BlockReader(bytes);
  const sizeBytes = reader.length();
  if (sizeBytes > limitBytes) throw new RangeError(`more than ${limitBytes} bytes`);
  const made = Buffer.alloc(sizeBytes);
  let end = 0;
  while (!reader.isAtEnd) {
    const part = reader.part();
    const room = end + part.sizeBytes <= sizeBytes;
    if (!room) throw new RangeError("a snappy block is longer than it says");
    if (part.kind === "literal") made.set(reader.take(part.sizeBytes), end);
    else copyBack(made, { end, ...part });
    end += part.sizeBytes;
  }
  if (end !== sizeBytes) throw new RangeError("a snappy block is shorter than it says");
  return made;
}

type Part = { readonly kind: "literal"; readonly sizeBytes: number } | { readonly kind: "copy"; readonly sizeBytes: number; readonly offset: number };

/** Byte by byte: what is copied may be what the copy has just made. */
function copyBack(made: Buffer, { end, offset, sizeBytes }: { readonly end: number; readonly offset: number; readonly sizeBytes: number }): void {
  if (offset === 0 || offset > end) throw new RangeError("a snappy block copies what is not there");
  for (let i = end; i < end + sizeBytes; i++) made[i] = made[i - offset] ?? 0;
}

class BlockReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(sizeBytes: number): Buffer {
    if (this.#at + sizeBytes > this.#bytes.length) throw new RangeError("a snappy block ends too early");
    return this.#bytes.subarray(this.#at, (this.#at += sizeBytes));
  }

  /** How long the whole is: seven bits in each byte, the lowest first, at most 32. */
  length(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#number(1);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("a snappy block has no length");
  }

  /** The lowest two bits of a tag are its kind. */
  part(): Part {
    const tag = this.#number(1);
    const high = tag >> 2;
    switch (tag & 0x03) {
      case 0:
        return { kind: "literal", sizeBytes: 1 + (high < 60 ? high : this.#number(high - 59)) };
      case 1:
        return { kind: "copy", sizeBytes: 4 + (high & 0x07), offset: ((tag >> 5) << 8) + this.#number(1) };
      default:
        return { kind: "copy", sizeBytes: 1 + high, offset: this.#number((tag & 0x03) === 2 ? 2 : 4) };
    }
  }

  #number(widthBytes: number): number {
    return this.take(widthBytes).readUIntLE(0, widthBytes);
  }
}
