import { quote } from "./go-text.ts";

/** A text that is no number of the kind wanted. The message is that of Go's strconv. */
export class IntegerError extends Error {
  override readonly name = "IntegerError";
  readonly code: "syntax" | "range";
  /** The message without the function and the text. */
  readonly reason: string;

  constructor(code: IntegerError["code"], call: string, text: string) {
    const reason = code === "syntax" ? "invalid syntax" : "value out of range";
    super(`strconv.${call}: parsing ${quote(text)}: ${reason}`);
    this.code = code;
    this.reason = reason;
  }

  get retryable(): boolean {
    return false;
  }
}

const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

/** Throws IntegerError. */
export function parseInt64(text: string): bigint {
  if (!/^[+-]?[0-9]+$/.test(text)) throw new IntegerError("syntax", "ParseInt", text);
  const value = BigInt(text.replace(/^\+/, ""));
  if (value > INT64_MAX || value < -INT64_MAX - 1n) throw new IntegerError("range", "ParseInt", text);
  return value;
}

/** Throws IntegerError. */
export function parseUint64(text: string): bigint {
  if (!/^[0-9]+$/.test(text)) throw new IntegerError("syntax", "ParseUint", text);
  const value = BigInt(text);
  if (value > UINT64_MAX) throw new IntegerError("range", "ParseUint", text);
  return value;
}
