import { ANY_MARK, ISSUERS, MAY_HOLD_WEBHOOK, TOKEN } from "./token-form.ts";

/** The longest part of a token without a full stop or a colon is no shorter, whoever issued it. */
const WORD_CHARACTERS_MIN = 15;
/** So much of a token may stand before its longest part. */
const BEFORE_CHARACTERS_MAX = 15;

const CODES = 256;
const HYPHEN = 0x2d;
const IS_WORD = codesOf(/[\w+-]/);
/** What may join the parts of a token. */
const IS_JOINT = codesOf(/[./:]/);
/** The two characters that a token of any issuer begins with, as one number. */
const IS_BEGINNING = beginnings();
const TOKEN_HERE = new RegExp(TOKEN.source, "y");

/** Whether `findTokens` may find something, of a text whose characters are bytes: many times faster than to find it. */
export function mayHoldToken(text: string): boolean {
  if (ANY_MARK.test(text) || MAY_HOLD_WEBHOOK.test(text)) return true;
  for (let at = WORD_CHARACTERS_MIN - 1; at < text.length; ) {
    // From the end of where a word would have to be, back to where it is none: what lies between is looked at once.
    let start = at + 1;
    while (at + 1 - start < WORD_CHARACTERS_MIN && IS_WORD[text.charCodeAt(start - 1)] === 1) start--;
    if (at + 1 - start < WORD_CHARACTERS_MIN) {
      at = start + WORD_CHARACTERS_MIN - 1;
      continue;
    }
    while (start > 0 && IS_WORD[text.charCodeAt(start - 1)] === 1) start--;
    if (beginsToken(text, start)) return true;
    if (start > 0 && IS_JOINT[text.charCodeAt(start - 1)] === 1 && hasTokenBefore(text, start)) return true;
    // Within a word a token can begin behind a hyphen only.
    let end = start + 1;
    for (; end < text.length && IS_WORD[text.charCodeAt(end)] === 1; end++) if (text.charCodeAt(end - 1) === HYPHEN && beginsToken(text, end)) return true;
    at = end + WORD_CHARACTERS_MIN;
  }
  return false;
}

/** Whether one begins in what a joint joins to a word. */
function hasTokenBefore(text: string, start: number): boolean {
  for (let at = Math.max(0, start - BEFORE_CHARACTERS_MAX); at < start; at++) if (beginsToken(text, at)) return true;
  return false;
}

function beginsToken(text: string, at: number): boolean {
  if (at + 1 >= text.length || IS_BEGINNING[text.charCodeAt(at) * CODES + text.charCodeAt(at + 1)] !== 1) return false;
  TOKEN_HERE.lastIndex = at;
  return TOKEN_HERE.test(text);
}

function codesOf(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: CODES }, (_, code) => Number(pattern.test(String.fromCharCode(code))));
}

function beginnings(): Uint8Array {
  const table = new Uint8Array(CODES * CODES);
  for (const [, form] of ISSUERS) for (const [a = "", b = ""] of headsOf(form, 2)) table[a.charCodeAt(0) * CODES + b.charCodeAt(0)] = 1;
  return table;
}

/** All that a form can begin with, in so many characters. Forms begin with letters, sets and groups. */
function headsOf(form: string, length: number): readonly string[] {
  if (length === 0) return [""];
  const group = /^\(\?:([^()]*)\)(\??)/.exec(form);
  if (group !== null) {
    const [whole, choices = "", optional] = group;
    const rest = form.slice(whole.length);
    return [...choices.split("|").flatMap((choice) => headsOf(choice + rest, length)), ...(optional === "?" ? headsOf(rest, length) : [])];
  }
  const [whole = "", set, count] = /^(?:(\[[^\]]+\])(?:\{(\d+),?\d*\})?|\\.|[^\\])/.exec(form) ?? [];
  const rest = Number(count ?? 1) > 1 ? `${set}{${Number(count) - 1}}${form.slice(whole.length)}` : form.slice(whole.length);
  const characters = set === undefined ? [whole.at(-1) ?? ""] : Array.from({ length: CODES }, (_, code) => String.fromCharCode(code)).filter((character) => new RegExp(set).test(character));
  return headsOf(rest, length - 1).flatMap((tail) => characters.map((character) => character + tail));
}
