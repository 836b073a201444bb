import { encodeSource } from "./source-text.ts";

/** A text that is no duration; the message is Go's. */
export class DurationError extends Error {
  override readonly name = "DurationError";
  readonly code = "invalid-duration";

  get retryable(): boolean {
    return false;
  }
}

const UNITS_NS: Readonly<Record<string, bigint>> = {
  ns: 1n, us: 1_000n, "µs": 1_000n, "μs": 1_000n, ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n, h: 3_600_000_000_000n,
};
const MAX_NS = 2n ** 63n;

/** Nanoseconds of a text such as `1m30s` or `1.5h`, in Go's grammar. */
export function parseDuration(text: string): bigint {
  const [, sign = "", body = ""] = /^([+-]?)([^]*)$/.exec(text) ?? [];
  if (body === "0") return 0n;
  if (body === "") throw invalid(text);
  let total = 0n;
  for (let rest = body; rest !== ""; ) {
    const [all, whole = "", fraction, unit = ""] = /^(\d*)(?:\.(\d*))?([^.\d]*)/.exec(rest) ?? [""];
    if (whole === "" && (fraction ?? "") === "") throw invalid(text);
    const count = BigInt(whole);
    if (count > MAX_NS) throw invalid(text);
    const unitNs = unitOf(unit, text);
    if (count * unitNs > MAX_NS) throw invalid(text);
    total += count * unitNs + fractionNs(fraction ?? "", unitNs);
    if (total > MAX_NS) throw invalid(text);
    rest = rest.slice(all.length);
  }
  if (sign === "-") return -total;
  if (total === MAX_NS) throw invalid(text);
  return total;
}

/** The shortest text in Go's form, such as `1h0m0s`, `1.5s`, `100µs`. */
export function formatDuration(ns: bigint): string {
  const sign = ns < 0n ? "-" : "";
  const size = ns < 0n ? -ns : ns;
  if (size === 0n) return "0s";
  if (size < 1_000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${decimal(size, 1_000n)}µs`;
  if (size < 1_000_000_000n) return `${sign}${decimal(size, 1_000_000n)}ms`;
  const minutes = size / 60_000_000_000n;
  const seconds = `${decimal(size % 60_000_000_000n, 1_000_000_000n)}s`;
  if (minutes === 0n) return sign + seconds;
  const hours = minutes / 60n;
  return `${sign}${hours === 0n ? "" : `${hours}h`}${minutes % 60n}m${seconds}`;
}

function unitOf(unit: string, text: string): bigint {
  if (unit === "") throw new DurationError(`time: missing unit in duration ${asciiQuote(text)}`);
  const unitNs = Object.hasOwn(UNITS_NS, unit) ? UNITS_NS[unit] : undefined;
  if (unitNs === undefined) throw new DurationError(`time: unknown unit ${asciiQuote(unit)} in duration ${asciiQuote(text)}`);
  return unitNs;
}

/** Digits that no longer fit 63 bits are dropped; the rest is scaled in floating point, as in Go. */
function fractionNs(digits: string, unitNs: bigint): bigint {
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    const next = value * 10n + BigInt(digit);
    if (value > (MAX_NS - 1n) / 10n || next > MAX_NS) break;
    value = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(value) * (Number(unitNs) / scale)));
}

function decimal(size: bigint, unit: bigint): string {
  const fraction = String(size % unit).padStart(String(unit).length - 1, "0").replace(/0+$/, "");
  return `${size / unit}${fraction === "" ? "" : `.${fraction}`}`;
}

function invalid(text: string): DurationError {
  return new DurationError(`time: invalid duration ${asciiQuote(text)}`);
}

/** Package time quotes by bytes: all that is not printable ASCII becomes `\xff`. */
function asciiQuote(text: string): string {
  const bytes = encodeSource(text).toString("latin1");
  return `"${bytes.replace(/["\\]/g, "\\$&").replace(/[^ -~]/g, hexEscape)}"`;
}

function hexEscape(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
