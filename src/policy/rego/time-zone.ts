import { BuiltinError } from "./rego-error.ts";

/** What a clock and a calendar on the wall say. */
export interface WallTime {
  readonly year: number;
  /** From 1 on, as days; weekdays are from 0 on, which is Sunday. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  readonly weekday: number;
  readonly yearDay: number;
  readonly offsetSeconds: number;
  /** `CET`; `+0530` where people have no letters for it. */
  readonly zone: string;
}

/** Numbers beyond what a month or an hour has go on in the next. */
export type WallNumbers = Pick<WallTime, "year" | "month" | "day" | "hour" | "minute" | "second" | "nanosecond">;

const SECOND_NS = 1_000_000_000n;
const [NS_MIN, NS_MAX] = [-(2n ** 63n), 2n ** 63n - 1n];

/** `""` and `UTC`; `Local`, this machine's; or a name of the IANA's database. Throws BuiltinError for another. */
export function wallTime(ns: bigint, zone: string): WallTime {
  const nanosecond = Number(((ns % SECOND_NS) + SECOND_NS) % SECOND_NS);
  const seconds = Number((ns - BigInt(nanosecond)) / SECOND_NS);
  const offsetSeconds = offsetAt(seconds, zone);
  const at = new Date((seconds + offsetSeconds) * 1000);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate()];
  return {
    year, month, day, hour: at.getUTCHours(), minute: at.getUTCMinutes(), second: at.getUTCSeconds(), nanosecond, offsetSeconds,
    weekday: at.getUTCDay(), yearDay: Math.round((Date.UTC(year, month - 1, day) - Date.UTC(year, 0, 1)) / 86_400_000) + 1, zone: abbreviationAt(seconds, zone, offsetSeconds),
  };
}

/** Of a time that a change of the clocks leaves out, or has twice, one of the two that it may be: the one that Go takes. Throws BuiltinError where 64 bits do not hold it. */
export function nsOf({ year, month, day, hour, minute, second, nanosecond }: WallNumbers, zone: string): bigint {
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  at.setUTCHours(hour, minute, second, 0);
  const wall = at.getTime() / 1000;
  // Intl knows no earlier times, and 64 bits of nanoseconds hold none that is later.
  if (!(Math.abs(wall) < Number(NS_MAX / SECOND_NS) + 86_400)) throw new BuiltinError("time outside of valid range");
  return inRange(BigInt(wall - offsetAt(wall - offsetAt(wall, zone), zone)) * SECOND_NS + BigInt(nanosecond));
}

export function inRange(ns: bigint): bigint {
  if (ns < NS_MIN || ns > NS_MAX) throw new BuiltinError("time outside of valid range");
  return ns;
}

interface Zone {
  readonly clock: Intl.DateTimeFormat;
  readonly name: Intl.DateTimeFormat;
}

const ZONES = new Map<string, Zone>();

function zoneOf(name: string): Zone | undefined {
  if (name === "" || name === "UTC") return undefined;
  let zone = ZONES.get(name);
  if (zone === undefined) ZONES.set(name, (zone = openZone(name)));
  return zone;
}

function openZone(name: string): Zone {
  const known = name === "Local" ? {} : { timeZone: name };
  try {
    // Intl takes `+01:00` for a name, and one in other letters.
    if (!/^[A-Z]/.test(name)) throw new RangeError(name);
    const clock = new Intl.DateTimeFormat("en-US", { ...known, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
    const { timeZone } = clock.resolvedOptions();
    if (timeZone !== name && timeZone.toLowerCase() === name.toLowerCase()) throw new RangeError(name);
    return { clock, name: new Intl.DateTimeFormat("en-US", { ...known, timeZoneName: "long" }) };
  } catch (error) {
    throw new BuiltinError(`unknown time zone ${name}`, { cause: error });
  }
}

function offsetAt(seconds: number, zone: string): number {
  const clock = zoneOf(zone)?.clock;
  if (clock === undefined) return 0;
  const parts = new Map(clock.formatToParts(seconds * 1000).map(({ type, value }) => [type, Number(value)]));
  const number = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  return Date.UTC(number("year"), number("month") - 1, number("day"), number("hour"), number("minute"), number("second")) / 1000 - seconds;
}

/** The letters that the IANA's database has, by the name that Intl has for a time; where it has none, that has numbers. */
const LETTERS: Readonly<Record<string, string>> = {
  ...halves("Alaska AK", "Atlantic A", "Central C", "Eastern E", "Mountain M", "Pacific P", "Newfoundland N", "Hawaii-Aleutian H", "Cuba C", "Mexican Pacific M", "China C", "Israel I", "New Zealand NZ", "Australian Central AC", "Australian Eastern AE", "Australian Western AW"),
  "American Samoa Standard Time": "SST", "Chamorro Standard Time": "ChST", "Hong Kong Standard Time": "HKT", "India Standard Time": "IST", "Japan Standard Time": "JST", "Korean Standard Time": "KST", "Macao Standard Time": "CST",
  "Pakistan Standard Time": "PKT", "Pakistan Summer Time": "PKST", "Philippine Standard Time": "PST", "Philippine Summer Time": "PDT", "South Africa Standard Time": "SAST", "Taiwan Standard Time": "CST", "North Korea Time": "KST", "Yukon Time": "MST",
  "British Summer Time": "BST", "Greenwich Mean Time": "GMT", "Irish Standard Time": "IST", "Moscow Standard Time": "MSK", "Moscow Summer Time": "MSD", "Volgograd Standard Time": "MSK", "Volgograd Summer Time": "MSD",
  "Central European Standard Time": "CET", "Central European Summer Time": "CEST", "Eastern European Standard Time": "EET", "Eastern European Summer Time": "EEST", "Western European Standard Time": "WET", "Western European Summer Time": "WEST",
  "Central Africa Time": "CAT", "East Africa Time": "EAT", "West Africa Time": "WAT", "Western Indonesia Time": "WIB", "Central Indonesia Time": "WITA", "Eastern Indonesia Time": "WIT",
};

/** Zones to which that database gives numbers although others with that time have letters. */
const NUMBERED = /^(?:Antarctica\/(?:Casey|Troll)|Asia\/(?:Colombo|Dili)|Europe\/(?:Astrakhan|Minsk|Samara|Saratov|Ulyanovsk)|Africa\/(?:Casablanca|El_Aaiun))$/;

function halves(...names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.flatMap((each) => {
    const at = each.lastIndexOf(" ");
    const [name, letters] = [each.slice(0, at), each.slice(at + 1)];
    return [[`${name} Standard Time`, `${letters}ST`], [`${name} Daylight Time`, `${letters}DT`]];
  }));
}

function abbreviationAt(seconds: number, zone: string, offsetSeconds: number): string {
  const formatter = zoneOf(zone)?.name;
  if (formatter === undefined) return "UTC";
  const { timeZone } = formatter.resolvedOptions();
  if (timeZone === "UTC") return /GMT|Greenwich/.test(zone) ? "GMT" : "UTC";
  const name = formatter.formatToParts(seconds * 1000).find(({ type }) => type === "timeZoneName")?.value ?? "";
  const letters = NUMBERED.test(timeZone) ? undefined : LETTERS[name];
  return letters ?? offsetText(offsetSeconds, "");
}

/** `+05`, `-0330`, `+05:30`. */
export function offsetText(offsetSeconds: number, colon: "" | ":"): string {
  const minutes = Math.trunc(Math.abs(offsetSeconds) / 60);
  const two = (number: number): string => String(number).padStart(2, "0");
  return `${offsetSeconds < 0 && minutes > 0 ? "-" : "+"}${two(Math.trunc(minutes / 60))}${minutes % 60 === 0 ? "" : `${colon}${two(minutes % 60)}`}`;
}
