import type { SecretSpan } from "./secret-span.ts";

const BEGIN = /-{4,5} ?BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)? ?-{4,5}/g;
const END = /-{4,5} ?END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)? ?-{4,5}/g;
/** Of a key of 16384 bits in PEM, with room for what a Dockerfile puts around its lines. */
const KEY_CHARACTERS_MAX = 32 * 1024;
/** A part of a key on a line; the last one may be short. */
const KEY_PART = /[A-Za-z0-9+/]{24,}={0,2}|[A-Za-z0-9+/]{2,}={1,2}/g;
const WITHIN_KEY = /[A-Za-z0-9+/]{24}|[A-Za-z0-9+/]{2,23}={1,2}|(?:Proc-Type|DEK-Info):|^[ \t\\"']*$/;
/** How an OpenSSH key begins, without its armour. */
const BARE_OPENSSH = /b3BlbnNzaC1rZXktdjE[A-Za-z0-9+/]{20,}(?:[\\\s]{1,8}[A-Za-z0-9+/]{40,})*(?:[\\\s]{1,8}[A-Za-z0-9+/]{1,76}={1,2})?/g;

const MAY_HOLD = /PRIVATE KEY|b3BlbnNzaC1rZXktdjE/;

export interface FoundKeys {
  readonly spans: readonly SecretSpan[];
  /** True where the text ends within a key: more of it may follow. */
  readonly isOpen: boolean;
}

/** What stands between the marks of a private key. With `isOpen`, the text begins within one. */
export function findPrivateKeys(text: string, isOpen: boolean): FoundKeys {
  if (!isOpen && !MAY_HOLD.test(text)) return { spans: [], isOpen: false };
  const begins = [...(isOpen ? [0] : []), ...[...text.matchAll(BEGIN)].map(({ 0: mark, index }) => index + mark.length)];
  const ends = begins.length === 0 ? [] : [...text.matchAll(END)].map(({ index }) => index);
  const spans: SecretSpan[] = [];
  let endsOpen = false;
  let nextEnd = 0;
  for (const [i, start] of begins.entries()) {
    while ((ends[nextEnd] ?? Infinity) < start) nextEnd++;
    const end = ends[nextEnd];
    // Another key's end is none of this one's, whose own is missing.
    if (end !== undefined && end <= (begins[i + 1] ?? Infinity) && end - start <= KEY_CHARACTERS_MAX) spans.push({ start, end, kind: "private-key" });
    else {
      const rest = linesOfKey(text.slice(start, begins[i + 1]));
      endsOpen = start + rest.length === text.length;
      for (const { 0: part, index } of rest.matchAll(KEY_PART)) spans.push({ start: start + index, end: start + index + part.length, kind: "private-key" });
    }
  }
  for (const { 0: key, index } of text.matchAll(BARE_OPENSSH)) spans.push({ start: index, end: index + key.length, kind: "private-key" });
  return { spans, isOpen: endsOpen };
}

/** The rest of the line, and the lines behind it that can be a part of the key. */
function linesOfKey(text: string): string {
  const lineEnd = text.indexOf("\n");
  let at = lineEnd === -1 ? text.length : lineEnd + 1;
  while (at < text.length) {
    const next = text.indexOf("\n", at);
    const line = text.slice(at, next === -1 ? text.length : next);
    if (!WITHIN_KEY.test(line.trimEnd())) break;
    at = next === -1 ? text.length : next + 1;
  }
  return text.slice(0, at);
}
