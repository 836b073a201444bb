import { pad, type FormatFlags } from "./format-flags.ts";
import { isPrintable, runeText } from "./quote.ts";

/** From this exponent on, the shortest form of a number is written with an exponent. */
const SHORTEST_EXPONENT = 6;
/** Of a number whose zeros stay. */
const SHARP_DIGITS = 6;
const EXPONENT_BIAS = 1075;

/** An integer in base 2, 8, 10 or 16. `prefixedOctal` is the verb O. */
export function formatInteger(value: bigint, base: 2 | 8 | 10 | 16, flags: FormatFlags, style: { readonly upper?: boolean; readonly prefixedOctal?: boolean } = {}): string {
  const { precision, width = 0, zero, minus, plus, space, sharp } = flags;
  const unpadded = precision === undefined ? flags : { ...flags, zero: false };
  if (precision === 0 && value === 0n) return pad("", unpadded);
  const sign = value < 0n ? "-" : plus ? "+" : space ? " " : "";
  let digits = (value < 0n ? -value : value).toString(base);
  const zerosTo = precision ?? (zero && !minus ? width - sign.length : 0);
  digits = digits.padStart(zerosTo, "0");
  if (sharp && base === 2) digits = `0b${digits}`;
  if (sharp && base === 8 && !digits.startsWith("0")) digits = `0${digits}`;
  if (sharp && base === 16) digits = `0x${digits}`;
  if (style.prefixedOctal === true) digits = `0o${digits}`;
  const text = sign + (style.upper === true ? digits.toUpperCase() : digits);
  return pad(text, { ...unpadded, zero: false });
}

/** `U+007D`, with `#` and the character behind it. */
export function formatUnicode(value: bigint, flags: FormatFlags): string {
  const digits = BigInt.asUintN(64, value).toString(16).toUpperCase().padStart(Math.max(4, flags.precision ?? 0), "0");
  const character = runeText(value);
  const shown = flags.sharp && value >= 0n && value <= 0x10ffffn && isPrintable(character) ? ` '${character}'` : "";
  return pad(`U+${digits}${shown}`, { ...flags, zero: false });
}

/** A float as the verbs e E f F g G b x X write it, padded. */
export function formatFloat(value: number, verb: string, flags: FormatFlags): string {
  const { plus, space } = flags;
  if (!Number.isFinite(value)) {
    const name = Number.isNaN(value) ? "NaN" : "Inf";
    const sign = value === -Infinity ? "-" : space && !plus ? " " : plus || name === "Inf" ? "+" : "";
    return pad(sign + name, { ...flags, zero: false });
  }
  const negative = value < 0 || Object.is(value, -0);
  const sign = negative ? "-" : plus ? "+" : space ? " " : "";
  const digits = floatDigits(Math.abs(value), verb, flags);
  // Zeros go between sign and digits.
  if (flags.zero && !flags.minus) return sign + digits.padStart((flags.width ?? 0) - sign.length, "0");
  return pad(sign + digits, { ...flags, zero: false });
}

function floatDigits(value: number, verb: string, flags: FormatFlags): string {
  const digits = plainDigits(value, verb, flags);
  if (!flags.sharp || verb === "b" || digits.includes(".")) return digits;
  // `#` keeps the point, too.
  const end = digits.search(verb === "x" || verb === "X" ? /p|P/ : /e|E|$/);
  return `${digits.slice(0, end)}.${digits.slice(end)}`;
}

function plainDigits(value: number, verb: string, { precision, sharp }: FormatFlags): string {
  switch (verb) {
    case "e":
    case "E":
      return cased(exponential(value, precision ?? 6), verb === "E");
    case "f":
    case "F":
      return fixed(value, precision ?? 6);
    case "b":
      return binary(value);
    case "x":
    case "X":
      return cased(sharp && verb === "x" ? wholeHexadecimal(value, precision) : hexadecimal(value, precision), verb === "X");
    default:
      return cased(general(value, precision, sharp), verb === "G");
  }
}

/** The shorter of the two forms; with a precision, of so many significant digits. */
function general(value: number, precision: number | undefined, keepZeros: boolean): string {
  const wanted = precision === undefined ? undefined : Math.max(1, precision);
  const scientific = wanted === undefined ? shortest(value) : significant(value, wanted);
  const { exponent } = scientific;
  let digits = scientific.digits.replace(/(?<=.)0+$/, "");
  const isWholeEarly = wanted !== undefined && wanted > digits.length && digits.length > exponent;
  const exponentFrom = wanted === undefined ? SHORTEST_EXPONENT : isWholeEarly ? digits.length : wanted;
  if (keepZeros) digits = digits.padEnd(wanted ?? SHORTEST_EXPONENT, "0");
  if (exponent < -4 || exponent >= exponentFrom) return withExponent(pointAfter(digits, 1), exponent);
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${digits}`;
  return pointAfter(digits.padEnd(exponent + 1, "0"), exponent + 1);
}

function exponential(value: number, precision: number): string {
  const { digits, exponent } = significant(value, precision + 1);
  return withExponent(pointAfter(digits, 1), exponent);
}

function fixed(value: number, precision: number): string {
  const digits = roundedShift(value, precision).toString().padStart(precision + 1, "0");
  return pointAfter(digits, digits.length - precision);
}

interface Scientific {
  /** The first stands before the point. */
  readonly digits: string;
  readonly exponent: number;
}

function shortest(value: number): Scientific {
  const [mantissa = "", exponent = ""] = value.toExponential().split("e");
  return { digits: mantissa.replace(".", ""), exponent: Number(exponent) };
}

function significant(value: number, count: number): Scientific {
  if (value === 0) return { digits: "0".repeat(count), exponent: 0 };
  let { exponent } = shortest(value);
  let digits = roundedShift(value, count - 1 - exponent).toString();
  if (digits.length < count) {
    // Shortest is 1e-7 for what is a little less.
    exponent -= 1;
    digits = roundedShift(value, count - 1 - exponent).toString();
  }
  // Rounding 9.99 up makes one digit more.
  return digits.length > count ? { digits: digits.slice(0, count), exponent: exponent + 1 } : { digits, exponent };
}

/** value × 10^places as an integer: ties go to even, as Go's do and JavaScript's toFixed does not. */
function roundedShift(value: number, places: number): bigint {
  const { mantissa, exponent } = parts(value);
  const numerator = mantissa * 10n ** BigInt(Math.max(0, places)) << BigInt(Math.max(0, exponent));
  const denominator = 10n ** BigInt(Math.max(0, -places)) << BigInt(Math.max(0, -exponent));
  const quotient = numerator / denominator;
  const twice = 2n * (numerator % denominator);
  return twice > denominator || (twice === denominator && quotient % 2n === 1n) ? quotient + 1n : quotient;
}

function pointAfter(digits: string, count: number): string {
  return count >= digits.length ? digits : `${digits.slice(0, count)}.${digits.slice(count)}`;
}

function withExponent(mantissa: string, exponent: number): string {
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function parts(value: number): { readonly mantissa: bigint; readonly exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  return biased === 0 ? { mantissa: fraction, exponent: 1 - EXPONENT_BIAS } : { mantissa: fraction | (1n << 52n), exponent: biased - EXPONENT_BIAS };
}

function binary(value: number): string {
  const { mantissa, exponent } = parts(value);
  return `${mantissa}p${exponent < 0 ? "-" : "+"}${Math.abs(exponent)}`;
}

function hexadecimal(value: number, precision: number | undefined): string {
  let { mantissa, exponent } = parts(value);
  if (mantissa === 0n) return `0x0${precision === undefined || precision === 0 ? "" : `.${"0".repeat(precision)}`}p+00`;
  while (mantissa < 1n << 52n) {
    mantissa <<= 1n;
    exponent -= 1;
  }
  if (precision !== undefined && precision < 13) {
    const dropped = BigInt(4 * (13 - precision));
    const half = 1n << (dropped - 1n);
    const rest = mantissa & ((1n << dropped) - 1n);
    mantissa >>= dropped;
    if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa += 1n;
    mantissa <<= dropped;
  }
  if (mantissa >= 1n << 53n) {
    mantissa >>= 1n;
    exponent += 1;
  }
  const digits = (mantissa & ((1n << 52n) - 1n)).toString(16).padStart(13, "0");
  const fraction = precision === undefined ? digits.replace(/0+$/, "") : digits.slice(0, precision).padEnd(precision, "0");
  return `0x1${fraction === "" ? "" : `.${fraction}`}p${exponent + 52 < 0 ? "-" : "+"}${String(Math.abs(exponent + 52)).padStart(2, "0")}`;
}

/** `%#x`, but not `%#X`: with six digits unless told otherwise, among which Go counts the x. */
function wholeHexadecimal(value: number, precision: number | undefined): string {
  const [digits = "", exponent = ""] = hexadecimal(value, precision).split("p");
  const missing = (precision ?? SHARP_DIGITS) - digits.replace(".", "").length + 1;
  return `${digits}${digits.includes(".") || missing <= 0 ? "" : "."}${"0".repeat(Math.max(0, missing))}p${exponent}`;
}

function cased(text: string, upper: boolean): string {
  return upper ? text.toUpperCase() : text;
}
