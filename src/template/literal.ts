import type { Complex } from "./value.ts";
import { quote } from "./quote.ts";

/** A number in a template under all the types that can hold it: Go decides by where it is used. */
export interface NumberLiteral {
  readonly integer?: bigint;
  readonly unsigned?: bigint;
  readonly float?: number;
  readonly complex?: Complex;
}

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

const INTEGER = /^([+-]?)(?:0[xX](_?[0-9a-fA-F](?:_?[0-9a-fA-F])*)|0[bB](_?[01](?:_?[01])*)|0[oO]?(_?[0-7](?:_?[0-7])*)|(0|[1-9](?:_?[0-9])*))$/;
const DECIMAL_FLOAT = /^[+-]?(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?$/;
const HEX_FLOAT = /^([+-]?)0[xX]_?([0-9a-fA-F_]*)\.?([0-9a-fA-F_]*)[pP]([+-]?[0-9_]+)$/;

const SIMPLE_ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, "\\": 92, "'": 39, '"': 34 };

export class LiteralError extends Error {
  override readonly name = "LiteralError";
}

/** `1_000`, `0x1F`, `0o17`, `0b11`, `017`, `1e3`, `0x1p-2`, `2i`. Throws LiteralError. */
export function parseNumber(text: string): NumberLiteral {
  if (text.endsWith("i")) {
    const imaginary = parseFloatLiteral(text.slice(0, -1));
    if (imaginary !== undefined) return { complex: { real: 0, imaginary } };
  }
  const integer = parseInteger(text);
  if (integer !== undefined) return { ...signedAndUnsigned(integer, text), float: Number(integer) };
  const float = parseFloatLiteral(text);
  if (float === undefined) throw new LiteralError(`illegal number syntax: ${quote(text)}`);
  if (!/[.eEpP]/.test(text)) throw new LiteralError(`integer overflow: ${quote(text)}`);
  if (!Number.isInteger(float)) return { float };
  return { ...inRange(BigInt(float)), float };
}

/** `1+2i`, its two parts scanned as one word. */
export function parseComplex(text: string): NumberLiteral {
  const split = text.search(/(?<![eEpP])[+-](?!.*(?<![eEpP])[+-])/);
  const [real = 0, imaginary = 0] = [text.slice(0, split), text.slice(split, -1)].map((part) => {
    const value = parseFloatLiteral(part);
    if (value === undefined) throw new LiteralError(`strconv.ParseFloat: parsing ${quote(part)}: invalid syntax`);
    return value;
  });
  return { complex: { real, imaginary } };
}

/** `'x'`, with Go's escapes. */
export function parseCharacter(text: string): NumberLiteral {
  const body = text.slice(1, -1);
  if (body === "" || body === "'") throw new LiteralError("invalid syntax");
  const { bytes, rune, length } = unescapeOne(body, 0, "'");
  if (length !== body.length) throw new LiteralError(`malformed character constant: ${text}`);
  const code = BigInt(rune ?? bytes[0] ?? 0);
  return { integer: code, unsigned: code, float: Number(code) };
}

/** A quoted or a raw string. */
export function unquote(text: string): string {
  const body = text.slice(1, -1);
  if (text.startsWith("`")) return body.replaceAll("\r", "");
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const { bytes, length } = unescapeOne(body, at, '"');
    parts.push(bytes);
    at += length;
  }
  return Buffer.concat(parts).toString("utf8");
}

interface Unescaped {
  readonly bytes: Buffer;
  /** Undefined for an escape that writes a byte and no character. */
  readonly rune?: number;
  readonly length: number;
}

function unescapeOne(text: string, at: number, delimiter: string): Unescaped {
  if (text[at] !== "\\") {
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
    return { bytes: Buffer.from(character), rune: character.codePointAt(0) ?? 0, length: character.length };
  }
  const rest = text.slice(at + 1);
  const simple = SIMPLE_ESCAPES[rest[0] ?? ""];
  const isOtherQuote = (rest[0] === "'" || rest[0] === '"') && rest[0] !== delimiter;
  if (simple !== undefined && !isOtherQuote) return { bytes: Buffer.of(simple), rune: simple, length: 2 };
  const byte = /^(?:x([0-9a-fA-F]{2})|([0-3][0-7]{2}))/.exec(rest);
  if (byte !== null) {
    const value = byte[1] === undefined ? Number.parseInt(byte[2] ?? "", 8) : Number.parseInt(byte[1], 16);
    return { bytes: Buffer.of(value), length: byte[0].length + 1 };
  }
  const wide = /^(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(rest);
  const code = Number.parseInt(wide?.[1] ?? wide?.[2] ?? "", 16);
  if (wide === null || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw new LiteralError("invalid syntax");
  return { bytes: Buffer.from(String.fromCodePoint(code)), rune: code, length: wide[0].length + 1 };
}

function parseInteger(text: string): bigint | undefined {
  const match = INTEGER.exec(text);
  if (match === null) return undefined;
  const [, sign, hex, binary, octal, decimal] = match;
  const digits = (hex ?? binary ?? octal ?? decimal ?? "").replaceAll("_", "");
  const prefix = hex === undefined ? (binary === undefined ? (octal === undefined ? "" : "0o") : "0b") : "0x";
  const value = BigInt(prefix + digits);
  const signed = sign === "-" ? -value : value;
  return signed < INT64_MIN || signed > UINT64_MAX ? undefined : signed;
}

function signedAndUnsigned(value: bigint, text: string): Pick<NumberLiteral, "integer" | "unsigned"> {
  // Go's parser of unsigned numbers takes no sign, but -0 is 0.
  if (value !== 0n && /^[+-]/.test(text)) return value > INT64_MAX ? {} : { integer: value };
  return inRange(value);
}

function inRange(value: bigint): Pick<NumberLiteral, "integer" | "unsigned"> {
  return {
    ...(value >= INT64_MIN && value <= INT64_MAX ? { integer: value } : {}),
    ...(value >= 0n && value <= UINT64_MAX ? { unsigned: value } : {}),
  };
}

function parseFloatLiteral(text: string): number | undefined {
  const hex = HEX_FLOAT.exec(text);
  if (hex !== null) {
    const [, sign, whole = "", fraction = "", exponent = ""] = hex.map((part) => part.replaceAll("_", ""));
    if (whole === "" && fraction === "") return undefined;
    const mantissa = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(exponent) - 4 * fraction.length);
    return sign === "-" ? -mantissa : mantissa;
  }
  if (!DECIMAL_FLOAT.test(text)) return undefined;
  const value = Number(text.replaceAll("_", ""));
  return Number.isFinite(value) ? value : undefined;
}
