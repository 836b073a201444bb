import { quote } from "./go-text.ts";

/** A text that is no size in bytes; the message is that of Docker's units. */
export class ByteSizeError extends Error {
  override readonly name = "ByteSizeError";
  readonly code = "invalid-size";

  get retryable(): boolean {
    return false;
  }
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const UNITS = "kmgtp";

/** Bytes of a text such as `32m`, `1.5 GiB`, `1024`; units are powers of 1024 with or without `i`. */
export function parseByteSize(text: string): bigint {
  const end = Math.max(...Array.from("0123456789. ", (char) => text.lastIndexOf(char)));
  if (end === -1) throw new ByteSizeError(`invalid size: '${text}'`);
  const number = text.slice(0, text[end] === " " ? end : end + 1);
  const suffix = text.slice(end + 1);
  if (!NUMBER.test(number)) throw new ByteSizeError(`strconv.ParseFloat: parsing ${quote(number)}: invalid syntax`);
  const size = Number(number);
  if (!Number.isFinite(size)) throw new ByteSizeError(`strconv.ParseFloat: parsing ${quote(number)}: value out of range`);
  if (size < 0) throw new ByteSizeError(`invalid size: '${text}'`);
  return toInt64(size * multiplier(suffix));
}

function multiplier(suffix: string): number {
  const lower = suffix.toLowerCase();
  if (lower === "" || lower === "b") return 1;
  const unit = UNITS.indexOf(lower.charAt(0));
  if (unit === -1 || !["", "b", "ib"].includes(lower.slice(1))) throw new ByteSizeError(`invalid suffix: '${suffix}'`);
  return 1024 ** (unit + 1);
}

/** What does not fit becomes the least number, as where BuildKit runs. */
function toInt64(size: number): bigint {
  return size < 2 ** 63 ? BigInt(Math.trunc(size)) : -(2n ** 63n);
}
