import { builtin, stringOf, type BuiltinTable } from "./builtin-table.ts";
import { WEEKDAYS } from "./go-layout.ts";
import { formatLayout } from "./layout-format.ts";
import { parseLayout } from "./layout-parse.ts";
import { integerOf, numberOf } from "./number.ts";
import { BuiltinError } from "./rego-error.ts";
import { inRange, nsOf, wallTime, type WallTime } from "./time-zone.ts";
import { integer, isArray, type Value } from "./value.ts";

const UNITS_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, "µs": 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

export const TIMES: BuiltinTable = {
  "time.now_ns": builtin(0, (_args, { nowNs }) => integer(nowNs)),
  "time.parse_rfc3339_ns": builtin(1, ([text]) => integer(parseLayout("RFC3339", stringOf(text)))),
  "time.parse_ns": builtin(2, ([layout, text]) => integer(parseLayout(stringOf(layout), stringOf(text)))),
  "time.parse_duration_ns": builtin(1, ([text]) => parseDuration(stringOf(text))),
  "time.date": builtin(1, ([time]) => { const { year, month, day } = wallOf(momentOf(time)); return [year, month, day]; }),
  "time.clock": builtin(1, ([time]) => { const { hour, minute, second } = wallOf(momentOf(time)); return [hour, minute, second]; }),
  "time.weekday": builtin(1, ([time]) => WEEKDAYS[wallOf(momentOf(time)).weekday]),
  "time.add_date": builtin(4, ([time, years, months, days]) => integer(addDate(momentOf(time), [years, months, days].map(integerOf)))),
  "time.format": builtin(1, ([time]) => { const moment = momentOf(time); return formatLayout(wallOf(moment), moment.layout === "" ? "RFC3339Nano" : moment.layout); }),
  "time.diff": builtin(2, ([a, b]) => difference(momentOf(a), momentOf(b))),
};

function parseDuration(text: string): number | bigint {
  const [, sign = "", amounts] = /^([+-]?)((?:[0-9]*\.?[0-9]+(?:ns|us|µs|ms|s|m|h))+)$/.exec(text) ?? [];
  if (text === "0") return 0;
  if (amounts === undefined) throw new BuiltinError(`time: invalid duration ${JSON.stringify(text)}`);
  const ns = [...amounts.matchAll(/([0-9]*\.?[0-9]+)(ns|us|µs|ms|s|m|h)/g)].reduce((sum, [, amount, unit = ""]) => sum + Number(amount) * (UNITS_NS[unit] ?? 0), 0);
  return sign === "-" ? -ns : ns;
}

/** A time, where it is looked at, and how it is to be written. */
interface Moment {
  readonly ns: bigint;
  readonly zone: string;
  readonly layout: string;
}

/** Nanoseconds, or an array of these, the name of a zone, and a layout. */
function momentOf(time: Value | undefined): Moment {
  const [ns, zone = "", layout = ""] = time !== undefined && isArray(time) ? time : [time];
  const number = numberOf(ns);
  if (typeof number === "number" && !Number.isInteger(number)) throw new BuiltinError("timestamp too big");
  return { ns: inRange(BigInt(number)), zone: stringOf(zone), layout: stringOf(layout) };
}

function wallOf({ ns, zone }: Moment): WallTime {
  return wallTime(ns, zone);
}

function addDate(moment: Moment, [years = 0, months = 0, days = 0]: readonly number[]): bigint {
  const { year, month, day, ...rest } = wallOf(moment);
  return nsOf({ ...rest, year: year + years, month: month + months, day: day + days }, moment.zone);
}

/** Years, months, days, hours, minutes and seconds between two times, in the zone of the first. */
function difference(a: Moment, b: Moment): number[] {
  const [from, to] = (a.ns <= b.ns ? [a.ns, b.ns] : [b.ns, a.ns]).map((ns) => wallTime(ns, a.zone));
  const parts = (at: WallTime | undefined): number[] => (at === undefined ? [] : [at.year, at.month, at.day, at.hour, at.minute, at.second]);
  const start = parts(from);
  const between = parts(to).map((part, i) => part - (start[i] ?? 0));
  const daysInMonth = new Date(Date.UTC(start[0] ?? 0, start[1] ?? 0, 0)).getUTCDate();
  const sizes = [0, 12, daysInMonth, 24, 60, 60];
  for (let i = between.length - 1; i > 0; i--) {
    if ((between[i] ?? 0) >= 0) continue;
    between[i] = (between[i] ?? 0) + (sizes[i] ?? 0);
    between[i - 1] = (between[i - 1] ?? 0) - 1;
  }
  return between;
}
