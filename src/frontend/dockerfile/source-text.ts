import { isUtf8 } from "node:buffer";

/**
 * A Dockerfile is bytes, and BuildKit keeps them: a byte that is not UTF-8 reaches names, commands and
 * history as it is. As a source text it stands as the lone surrogate U+DC00 + byte, which no valid text
 * holds. `text.isWellFormed()` tells whether there is one; `text.toWellFormed()` puts U+FFFD for each.
 */
export function decodeSource(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString("utf8");
  let text = "";
  for (let at = 0; at < buffer.length; ) {
    const length = validSequenceLength(buffer, at);
    text += length === 0 ? String.fromCharCode(FIRST_BYTE_SURROGATE + (buffer[at] ?? 0)) : buffer.toString("utf8", at, at + length);
    at += Math.max(length, 1);
  }
  return text;
}

/** The bytes that `decodeSource` read. */
export function encodeSource(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  return Buffer.concat(Array.from(text, (char) => {
    const byte = char.charCodeAt(0) - FIRST_BYTE_SURROGATE;
    return char.length === 1 && byte >= 0x80 && byte <= 0xff ? Buffer.of(byte) : Buffer.from(char, "utf8");
  }));
}

const FIRST_BYTE_SURROGATE = 0xdc00;

/** Length of the UTF-8 sequence at `at`; 0 when the byte there begins none. */
function validSequenceLength(buffer: Buffer, at: number): number {
  const first = buffer[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return isUtf8(buffer.subarray(at, at + length)) ? length : 0;
}
