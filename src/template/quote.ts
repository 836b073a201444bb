const ESCAPES: Readonly<Record<string, string>> = {
  "\x07": String.raw`\a`,
  "\b": String.raw`\b`,
  "\f": String.raw`\f`,
  "\n": String.raw`\n`,
  "\r": String.raw`\r`,
  "\t": String.raw`\t`,
  "\v": String.raw`\v`,
  "\\": "\\\\",
};

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const NOT_IN_BACKQUOTES = /[`\ufeff]|(?!\t)[\p{Cc}--[\u0080-\u009f]]/v;

export function isPrintable(character: string): boolean {
  return PRINTABLE.test(character);
}

/** Go's %q. `ascii` escapes all that is not ASCII, as %+q does. */
export function quote(text: string, ascii = false): string {
  return `"${escapeAll(text, '"', ascii)}"`;
}

/** Go's %q of an integer; what is no code point becomes U+FFFD. */
export function quoteRune(code: bigint, ascii = false): string {
  return `'${escapeAll(runeText(code), "'", ascii)}'`;
}

export function canBackquote(text: string): boolean {
  return !NOT_IN_BACKQUOTES.test(text);
}

/** The character of a code point. */
export function runeText(code: bigint): string {
  const valid = code >= 0n && code <= 0x10ffffn && (code < 0xd800n || code > 0xdfffn);
  return valid ? String.fromCodePoint(Number(code)) : "\ufffd";
}

/** Go's %#U: `U+007D '}'`. */
export function describeRune(character: string): string {
  const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
  return isPrintable(character) ? `${code} '${character}'` : code;
}

function escapeAll(text: string, delimiter: string, ascii: boolean): string {
  let escaped = "";
  for (const character of text) escaped += escapeOne(character, delimiter, ascii);
  return escaped;
}

function escapeOne(character: string, delimiter: string, ascii: boolean): string {
  if (character === delimiter) return `\\${character}`;
  const known = ESCAPES[character];
  if (known !== undefined) return known;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80 ? isPrintable(character) : !ascii && isPrintable(character)) return character;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}
