import { isFraction, layoutParts, MONTHS, WEEKDAYS } from "./go-layout.ts";
import { offsetText, type WallTime } from "./time-zone.ts";

/** What Go's `Time.Format` makes of a layout, or of the name of one. */
export function formatLayout(time: WallTime, layout: string): string {
  return layoutParts(layout).map((part) => {
    if (part.kind === "text") return part.text;
    if (isFraction(part)) return fraction(part.text, time.nanosecond);
    if (/^[-Z]07/.test(part.text)) return part.text.startsWith("Z") && time.offsetSeconds === 0 ? "Z" : offset(part.text.slice(1), time.offsetSeconds);
    return WRITERS[part.text]?.(time) ?? part.text;
  }).join("");
}

const WRITERS: Readonly<Record<string, (time: WallTime) => string>> = {
  "2006": ({ year }) => padded(year, 4),
  "06": ({ year }) => padded(year % 100, 2),
  January: ({ month }) => MONTHS[month - 1] ?? "",
  Jan: ({ month }) => (MONTHS[month - 1] ?? "").slice(0, 3),
  "01": ({ month }) => padded(month, 2),
  "1": ({ month }) => String(month),
  Monday: ({ weekday }) => WEEKDAYS[weekday] ?? "",
  Mon: ({ weekday }) => (WEEKDAYS[weekday] ?? "").slice(0, 3),
  "02": ({ day }) => padded(day, 2),
  _2: ({ day }) => padded(day, 2, " "),
  "2": ({ day }) => String(day),
  "002": ({ yearDay }) => padded(yearDay, 3),
  __2: ({ yearDay }) => padded(yearDay, 3, " "),
  "15": ({ hour }) => padded(hour, 2),
  "03": ({ hour }) => padded(hour12(hour), 2),
  "3": ({ hour }) => String(hour12(hour)),
  "04": ({ minute }) => padded(minute, 2),
  "4": ({ minute }) => String(minute),
  "05": ({ second }) => padded(second, 2),
  "5": ({ second }) => String(second),
  PM: ({ hour }) => (hour < 12 ? "AM" : "PM"),
  pm: ({ hour }) => (hour < 12 ? "am" : "pm"),
  MST: ({ zone }) => zone,
};

function padded(number: number, width: number, by: "0" | " " = "0"): string {
  return String(number).padStart(width, by);
}

function hour12(hour: number): number {
  return hour % 12 === 0 ? 12 : hour % 12;
}

/** As many digits as there are zeros; of nines at most that many, and no point where there are none. */
function fraction(element: string, nanosecond: number): string {
  const digits = padded(nanosecond, 9).slice(0, element.length - 1);
  if (element[1] === "0") return `${element[0]}${digits}`;
  const short = digits.replace(/0+$/, "");
  return short === "" ? "" : `${element[0]}${short}`;
}

/** `form` is what stands behind `-` or `Z`: hours, and minutes and seconds where it has them. */
function offset(form: string, offsetSeconds: number): string {
  const colon = form.includes(":") ? ":" : "";
  const [sign = "+", ...digits] = offsetText(offsetSeconds, "");
  const clock = [digits.slice(0, 2).join(""), digits.slice(2).join("") || "00", padded(Math.abs(offsetSeconds) % 60, 2)];
  return sign + clock.slice(0, form.replaceAll(":", "").length / 2).join(colon);
}
