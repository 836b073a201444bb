import { isFraction, layoutParts, MONTHS, WEEKDAYS, type LayoutPart } from "./go-layout.ts";
import { BuiltinError } from "./rego-error.ts";
import { nsOf } from "./time-zone.ts";

/**
 * What Go's `time.Parse` makes of a text, in nanoseconds. Where the text has no zone it is in UTC, and so it is where it has the
 * letters of one: Go knows those of the zone that it runs in, and no others. Throws BuiltinError where the text is not of the layout.
 */
export function parseLayout(layout: string, text: string): bigint {
  const parts = layoutParts(layout);
  const said: Said = {};
  const reader = new TextReader(text, layout);
  for (const [i, part] of parts.entries()) {
    if (part.kind === "text") {
      reader.skip(part.text);
      continue;
    }
    readElement(part, reader, said);
    const next = parts.slice(i + 1).find(({ kind }) => kind === "element");
    // A fraction may follow on the seconds although the layout has none.
    if (/^0?5$/.test(part.text) && !isFraction(next)) readFraction(/[.,][0-9]+/y, reader, said);
  }
  reader.end();
  return nsOf({ ...date(said, reader), hour: hourOf(said), minute: said.minute ?? 0, second: (said.second ?? 0) - (said.offsetSeconds ?? 0), nanosecond: said.nanosecond ?? 0 }, "UTC");
}

/** What was read so far. */
interface Said {
  year?: number;
  month?: number;
  day?: number;
  yearDay?: number;
  hour?: number;
  minute?: number;
  second?: number;
  nanosecond?: number;
  half?: "am" | "pm";
  offsetSeconds?: number;
}

class TextReader {
  readonly #text: string;
  readonly #layout: string;
  #at = 0;

  constructor(text: string, layout: string) {
    this.#text = text;
    this.#layout = layout;
  }

  /** What matches here; the expression has to be sticky. */
  take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [found] = pattern.exec(this.#text) ?? [];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  need(pattern: RegExp, element: string): string {
    const found = this.take(pattern);
    if (found === undefined) throw this.wrong(`cannot parse ${JSON.stringify(this.#text.slice(this.#at))} as ${JSON.stringify(element)}`);
    return found;
  }

  /** Spaces stand for any number of spaces. */
  skip(text: string): void {
    for (const piece of text.match(/ +|[^ ]+/g) ?? []) {
      if (piece.startsWith(" ")) {
        if (this.#at < this.#text.length) this.need(/ +/y, piece);
      } else {
        if (!this.#text.startsWith(piece, this.#at)) throw this.wrong(`cannot parse ${JSON.stringify(this.#text.slice(this.#at))} as ${JSON.stringify(piece)}`);
        this.#at += piece.length;
      }
    }
  }

  end(): void {
    if (this.#at < this.#text.length) throw this.wrong(`extra text: ${JSON.stringify(this.#text.slice(this.#at))}`);
  }

  wrong(why: string): BuiltinError {
    return new BuiltinError(`parsing time ${JSON.stringify(this.#text)} as ${JSON.stringify(this.#layout)}: ${why}`);
  }
}

/** One or two digits, or just two. */
const [SHORT, FIXED] = [/[0-9]{1,2}/y, /[0-9]{2}/y];

type Reader = (reader: TextReader, said: Said) => void;

const READERS: Readonly<Record<string, Reader>> = {
  "2006": (reader, said) => { said.year = Number(reader.need(/[0-9]{4}/y, "2006")); },
  "06": (reader, said) => { const year = Number(reader.need(FIXED, "06")); said.year = year + (year >= 69 ? 1900 : 2000); },
  January: (reader, said) => { said.month = named(MONTHS, reader, "January"); },
  Jan: (reader, said) => { said.month = named(MONTHS.map(short), reader, "Jan"); },
  "01": number("month", FIXED, [1, 12]),
  "1": number("month", SHORT, [1, 12]),
  Monday: (reader) => { named(WEEKDAYS, reader, "Monday"); },
  Mon: (reader) => { named(WEEKDAYS.map(short), reader, "Mon"); },
  "02": number("day", FIXED, [0, 99]),
  _2: number("day", / ?[0-9]{1,2}/y, [0, 99]),
  "2": number("day", SHORT, [0, 99]),
  "002": number("yearDay", /[0-9]{3}/y, [0, 999]),
  __2: number("yearDay", / {0,2}[0-9]{1,3}/y, [0, 999]),
  "15": number("hour", SHORT, [0, 23]),
  "03": number("hour", FIXED, [0, 12]),
  "3": number("hour", SHORT, [0, 12]),
  "04": number("minute", FIXED, [0, 59]),
  "4": number("minute", SHORT, [0, 59]),
  "05": number("second", FIXED, [0, 59]),
  "5": number("second", SHORT, [0, 59]),
  PM: (reader, said) => { said.half = reader.need(/AM|PM/y, "PM") === "AM" ? "am" : "pm"; },
  pm: (reader, said) => { said.half = reader.need(/am|pm/y, "pm") === "am" ? "am" : "pm"; },
  MST: (reader) => { reader.need(/UTC|ChST|MeST|GMT(?:[+-](?:0*1[0-9]|0*2[0-3]|0*[0-9])(?![0-9]))?|[+-](?:0*1[0-9]|0*2[0-3]|0*[0-9])(?![0-9])|(?:[A-Z]{4}T|[A-Z]{3}T|WITA|[A-Z]{3})(?![A-Z])/y, "MST"); },
};

function short(name: string): string {
  return name.slice(0, 3);
}

function number(name: "month" | "day" | "yearDay" | "hour" | "minute" | "second", pattern: RegExp, [least, most]: readonly [number, number]): Reader {
  return (reader, said) => {
    const value = Number(reader.need(pattern, name).trim());
    if (value < least || value > most) throw reader.wrong(`${name} out of range`);
    said[name] = value;
  };
}

/** From 1 on. Large letters or small ones, as in Go. */
function named(names: readonly string[], reader: TextReader, element: string): number {
  const found = reader.need(new RegExp(names.join("|"), "iy"), element).toLowerCase();
  return names.findIndex((name) => name.toLowerCase() === found) + 1;
}

function readElement(part: LayoutPart, reader: TextReader, said: Said): void {
  const element = part.text;
  if (/^[-Z]07/.test(element)) readOffset(element, reader, said);
  else if (isFraction(part)) readFraction(element[1] === "0" ? new RegExp(`[.,][0-9]{${element.length - 1}}`, "y") : /[.,][0-9]+/y, reader, said, element[1] === "0" ? element : undefined);
  else READERS[element]?.(reader, said);
}

/** `needed` is the element that has to be there; what is less than a nanosecond is cut off. */
function readFraction(pattern: RegExp, reader: TextReader, said: Said, needed?: string): void {
  const found = needed === undefined ? reader.take(pattern) : reader.need(pattern, needed);
  if (found !== undefined) said.nanosecond = Number(found.slice(1, 10).padEnd(9, "0"));
}

function readOffset(element: string, reader: TextReader, said: Said): void {
  // Go takes `Z` for these three, and not for those with seconds.
  if (/^Z07(?::?00)?$/.test(element) && reader.take(/Z/y) !== undefined) {
    said.offsetSeconds = 0;
    return;
  }
  const text = reader.need(new RegExp(`[+-]${element.slice(1).replace(/07|00/g, "[0-9]{2}")}`, "y"), element);
  const [hours = 0, minutes = 0, seconds = 0] = (text.match(/[0-9]{2}/g) ?? []).map(Number);
  if (hours > 24 || minutes > 60 || seconds > 60) throw reader.wrong("time zone offset out of range");
  said.offsetSeconds = (text.startsWith("-") ? -1 : 1) * ((hours * 60 + minutes) * 60 + seconds);
}

function hourOf({ hour = 0, half }: Said): number {
  if (half === "pm" && hour < 12) return hour + 12;
  return half === "am" && hour === 12 ? 0 : hour;
}

/** Without a year it is the year 0, as in Go, which nanoseconds do not reach. */
function date({ year = 0, month, day, yearDay }: Said, reader: TextReader): { readonly year: number; readonly month: number; readonly day: number } {
  const first = new Date(0);
  first.setUTCFullYear(year, yearDay === undefined ? (month ?? 1) - 1 : 0, yearDay ?? day ?? 1);
  const found = { year, month: first.getUTCMonth() + 1, day: first.getUTCDate() };
  if (yearDay !== undefined && (yearDay < 1 || first.getUTCFullYear() !== year)) throw reader.wrong("day-of-year out of range");
  if (month !== undefined && month !== found.month) throw reader.wrong(yearDay === undefined ? "day out of range" : "day-of-year does not match month");
  if (day !== undefined && day !== found.day) throw reader.wrong(yearDay === undefined ? "day out of range" : "day-of-year does not match day");
  return found;
}
