import { parseRfc3339 } from "../../content/timestamp.ts";
import { arrayOf, builtin, stringOf, type BuiltinTable } from "./builtin-table.ts";
import { integerOf, numberOf } from "./number.ts";
import { BuiltinError } from "./rego-error.ts";
import { integer, isArray, type Value } from "./value.ts";

const SECOND_NS = 1_000_000_000n;
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const UNITS_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, "µs": 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
/** Layouts of Go that are one standard's. */
const RFC3339_LAYOUTS = ["2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05.999999999Z07:00", "RFC3339", "RFC3339Nano"];

export const TIMES: BuiltinTable = {
  "time.now_ns": builtin(0, (_args, { nowNs }) => integer(nowNs)),
  "time.parse_rfc3339_ns": builtin(1, ([text]) => integer(rfc3339(stringOf(text)))),
  "time.parse_ns": builtin(2, ([layout, text]) => integer(parseLayout(stringOf(layout), stringOf(text)))),
  "time.parse_duration_ns": builtin(1, ([text]) => parseDuration(stringOf(text))),
  "time.date": builtin(1, ([time]) => { const at = utc(time); return [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate()]; }),
  "time.clock": builtin(1, ([time]) => { const at = utc(time); return [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()]; }),
  "time.weekday": builtin(1, ([time]) => DAYS[utc(time).getUTCDay()]),
  "time.add_date": builtin(4, ([time, years, months, days]) => integer(addDate(nanoseconds(time), [years, months, days].map(integerOf)))),
  "time.format": builtin(1, ([time]) => formatTime(time)),
  "time.diff": builtin(2, ([a, b]) => difference(utc(a), utc(b))),
};

function rfc3339(text: string): bigint {
  try {
    return parseRfc3339(text);
  } catch (error) {
    if (error instanceof RangeError) throw new BuiltinError(error.message, { cause: error });
    throw error;
  }
}

/** Days and RFC 3339; of other layouts there is no result to be had, rather than a wrong one. */
function parseLayout(layout: string, text: string): bigint {
  if (RFC3339_LAYOUTS.includes(layout)) return rfc3339(text);
  if (layout === "2006-01-02") return rfc3339(`${text}T00:00:00Z`);
  if (layout === "2006-01-02 15:04:05" || layout === "2006-01-02T15:04:05") return rfc3339(`${text.replace(" ", "T")}Z`);
  throw new BuiltinError(`time.parse_ns: the layout ${layout} is not supported: 2006-01-02, 2006-01-02T15:04:05 and RFC 3339 are`);
}

function parseDuration(text: string): number | bigint {
  const [, sign = "", amounts] = /^([+-]?)((?:[0-9]*\.?[0-9]+(?:ns|us|µs|ms|s|m|h))+)$/.exec(text) ?? [];
  if (text === "0") return 0;
  if (amounts === undefined) throw new BuiltinError(`time: invalid duration ${JSON.stringify(text)}`);
  const ns = [...amounts.matchAll(/([0-9]*\.?[0-9]+)(ns|us|µs|ms|s|m|h)/g)].reduce((sum, [, amount, unit = ""]) => sum + Number(amount) * (UNITS_NS[unit] ?? 0), 0);
  return sign === "-" ? -ns : ns;
}

/** A time may come with the name of a zone, and with a layout. */
function nanoseconds(time: Value | undefined): bigint {
  return BigInt(numberOf(time !== undefined && time !== null && isArray(time) ? time[0] : time));
}

function zoneOf(time: Value | undefined): string {
  const zone = time !== undefined && time !== null && isArray(time) ? stringOf(time[1]) : "";
  if (zone !== "" && zone !== "UTC") throw new BuiltinError(`the time zone ${zone} is not supported: UTC is`);
  return zone;
}

function utc(time: Value | undefined): Date {
  zoneOf(time);
  const at = new Date(Number(nanoseconds(time) / 1_000_000n));
  if (Number.isNaN(at.getTime())) throw new BuiltinError("timestamp too big");
  return at;
}

function addDate(ns: bigint, [years = 0, months = 0, days = 0]: readonly number[]): bigint {
  const at = new Date(Number(ns / 1_000_000n));
  const moved = Date.UTC(at.getUTCFullYear() + years, at.getUTCMonth() + months, at.getUTCDate() + days, at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds(), at.getUTCMilliseconds());
  if (Number.isNaN(moved)) throw new BuiltinError("timestamp too big");
  return BigInt(moved) * 1_000_000n + (ns % 1_000_000n);
}

function formatTime(time: Value | undefined): string {
  const layout = time !== undefined && time !== null && isArray(time) && arrayOf(time).length > 2 ? stringOf(time[2]) : "RFC3339Nano";
  const [day = "", clock = ""] = utc(time).toISOString().split("T");
  const seconds = clock.slice(0, "00:00:00".length);
  if (layout === "2006-01-02") return day;
  if (!RFC3339_LAYOUTS.includes(layout)) throw new BuiltinError(`time.format: the layout ${layout} is not supported: 2006-01-02 and RFC 3339 are`);
  const fraction = String(nanoseconds(time) % SECOND_NS).padStart(9, "0").replace(/0+$/, "");
  return `${day}T${seconds}${fraction === "" || layout === "RFC3339" || layout === RFC3339_LAYOUTS[0] ? "" : `.${fraction}`}Z`;
}

/** Years, months, days, hours, minutes and seconds between two times. */
function difference(a: Date, b: Date): number[] {
  const [from, to] = a <= b ? [a, b] : [b, a];
  const parts = (at: Date): number[] => [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()];
  const start = parts(from);
  const between = parts(to).map((part, i) => part - (start[i] ?? 0));
  const daysInMonth = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1, 0)).getUTCDate();
  const sizes = [0, 12, daysInMonth, 24, 60, 60];
  for (let i = between.length - 1; i > 0; i--) {
    if ((between[i] ?? 0) >= 0) continue;
    between[i] = (between[i] ?? 0) + (sizes[i] ?? 0);
    between[i - 1] = (between[i - 1] ?? 0) - 1;
  }
  return between;
}
