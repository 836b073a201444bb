import { isUtf8 } from "node:buffer";

/** Lone surrogates that stand for single bytes; no valid UTF-8 decodes to them. */
const ESCAPED_BYTE = /[\uDC80-\uDCFF]/;
const ESCAPE_BASE = 0xdc00;

/**
 * Names on Linux are bytes, ours are text. What is no UTF-8 is carried as lone surrogates
 * U+DC80–U+DCFF, one for each byte, so that no name is lost or changed on its way through.
 */
export function pathOfBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString("utf8");
  let text = "";
  for (let at = 0; at < buffer.length; ) {
    const length = validSequenceLength(buffer, at);
    text += length === 0 ? String.fromCharCode(ESCAPE_BASE + buffer.readUInt8(at)) : buffer.toString("utf8", at, at + length);
    at += Math.max(length, 1);
  }
  return text;
}

/** The bytes that `pathOfBytes` was given. */
export function bytesOfPath(path: string): Buffer {
  if (!ESCAPED_BYTE.test(path) || path.isWellFormed()) return Buffer.from(path, "utf8");
  // By code point, so that the low half of a pair is not taken for an escaped byte.
  return Buffer.concat(Array.from(path, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code - ESCAPE_BASE]) : Buffer.from(character, "utf8");
  }));
}

/** What node:fs must be given for this path: text wherever text says it all. */
export function fileSystemPath(path: string): string | Buffer {
  return path.isWellFormed() ? path : bytesOfPath(path);
}

/** Orders names as bytes, as Go does. JavaScript's own order differs above U+FFFF. */
export function compareNames(a: string, b: string): number {
  if (a === b) return 0;
  // Up to U+D7FF code units, code points and bytes have one order.
  for (let at = 0; at < a.length && at < b.length; at += 1) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left === right) continue;
    if (left < 0xd800 && right < 0xd800) return left < right ? -1 : 1;
    return Buffer.compare(bytesOfPath(a), bytesOfPath(b));
  }
  return a.length < b.length ? -1 : 1;
}

/** Orders paths as a walk that sorts each directory by name would meet them. */
export function comparePaths(a: string, b: string): number {
  if (a === b) return 0;
  const left = a.split("/");
  const right = b.split("/");
  for (let at = 0; at < left.length && at < right.length; at += 1) {
    const order = compareNames(left[at] ?? "", right[at] ?? "");
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function validSequenceLength(buffer: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= buffer.length; length += 1) {
    if (isUtf8(buffer.subarray(at, at + length))) return length;
  }
  return 0;
}
