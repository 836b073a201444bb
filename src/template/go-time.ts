import type { ScalarType, StructType } from "./go-type.ts";

/** Go's time.Time, held as RFC 3339. */
export const TIME: StructType = { kind: "struct", name: "time.Time", fields: [], text: timeText, json: timeJson };

/** Go's time.Duration, held as nanoseconds. */
export const DURATION: ScalarType = { kind: "int", name: "time.Duration", text: durationText };

const RFC3339 = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})$/;
const ZERO_TIME = "0001-01-01T00:00:00Z";

/** Go's Time.String. */
function timeText(raw: unknown): string {
  const [, date, time, fraction = "", zone = "Z"] = RFC3339.exec(timeOf(raw)) ?? [];
  if (date === undefined) return timeOf(raw);
  const offset = zone === "Z" ? "+0000 UTC" : `${zone.replace(":", "")} ${zone.replace(":", "")}`;
  return `${date} ${time}${withPoint(fraction)} ${offset}`;
}

/** RFC 3339 without the zeros that end a fraction. */
function timeJson(raw: unknown): unknown {
  const [, date, time, fraction = "", zone] = RFC3339.exec(timeOf(raw)) ?? [];
  return date === undefined ? raw : `${date}T${time}${withPoint(fraction)}${zone}`;
}

function timeOf(raw: unknown): string {
  return typeof raw === "string" ? raw : ZERO_TIME;
}

function withPoint(fraction: string): string {
  const digits = fraction.slice(0, 9).replace(/0+$/, "");
  return digits === "" ? "" : `.${digits}`;
}

const UNITS = [["µs", 1000n], ["ms", 1_000_000n]] as const;
const SECOND = 1_000_000_000n;

/** Go's Duration.String: `1h2m3.5s`, and `1.5ms` of less than a second. */
function durationText(raw: unknown): string {
  const signed = typeof raw === "bigint" ? raw : BigInt(Number.isSafeInteger(raw) ? (raw as number) : 0);
  const [sign, ns] = signed < 0n ? ["-", -signed] : ["", signed];
  if (ns === 0n) return "0s";
  if (ns < 1000n) return `${sign}${ns}ns`;
  const [unit, size] = UNITS.find(([, each]) => ns < each * 1000n) ?? ["s", SECOND];
  if (unit !== "s") return `${sign}${decimal(ns, size)}${unit}`;
  const [minutes, rest] = [ns / (60n * SECOND), ns % (60n * SECOND)];
  const whole = minutes === 0n ? "" : minutes < 60n ? `${minutes}m` : `${minutes / 60n}h${minutes % 60n}m`;
  return `${sign}${whole}${decimal(rest, SECOND)}s`;
}

function decimal(value: bigint, unit: bigint): string {
  const fraction = String(value % unit).padStart(String(unit).length - 1, "0").replace(/0+$/, "");
  return `${value / unit}${fraction === "" ? "" : `.${fraction}`}`;
}
