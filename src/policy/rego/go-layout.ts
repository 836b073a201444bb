/** A piece of a layout: an element of Go's reference time, or text that stands for itself. */
export interface LayoutPart {
  readonly kind: "element" | "text";
  readonly text: string;
}

export const MONTHS: readonly string[] = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
export const WEEKDAYS: readonly string[] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** Layouts that have a name in Go's package time, by that name. */
const NAMED: Readonly<Record<string, string>> = {
  ANSIC: "Mon Jan _2 15:04:05 2006",
  UnixDate: "Mon Jan _2 15:04:05 MST 2006",
  RubyDate: "Mon Jan 02 15:04:05 -0700 2006",
  RFC822: "02 Jan 06 15:04 MST",
  RFC822Z: "02 Jan 06 15:04 -0700",
  RFC850: "Monday, 02-Jan-06 15:04:05 MST",
  RFC1123: "Mon, 02 Jan 2006 15:04:05 MST",
  RFC1123Z: "Mon, 02 Jan 2006 15:04:05 -0700",
  RFC3339: "2006-01-02T15:04:05Z07:00",
  RFC3339Nano: "2006-01-02T15:04:05.999999999Z07:00",
};

/**
 * The elements, of those that begin alike the longest first. A short name is none within a word (`Month`), `_2` none before a
 * year, and digits after a point only where no other digit follows.
 */
const ELEMENTS = /January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|1|2006|2|__2|_2(?!006)|3|4|5|PM|pm|[-Z]07(?:0000|:00:00|00|:00|)|[.,](?:0+|9+)(?![0-9])/g;

/** Of a layout, or of the name of one. */
export function layoutParts(layout: string): readonly LayoutPart[] {
  const text = Object.hasOwn(NAMED, layout) ? (NAMED[layout] ?? layout) : layout;
  const parts: LayoutPart[] = [];
  let end = 0;
  for (const { 0: element, index } of text.matchAll(ELEMENTS)) {
    if (index > end) parts.push({ kind: "text", text: text.slice(end, index) });
    parts.push({ kind: "element", text: element });
    end = index + element.length;
  }
  if (end < text.length) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}

/** `.000`, `,999`: a fraction of a second. */
export function isFraction(part: LayoutPart | undefined): boolean {
  return part?.kind === "element" && /^[.,]/.test(part.text);
}
