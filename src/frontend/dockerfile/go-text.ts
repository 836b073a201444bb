/** Go's text functions, where those of JavaScript differ. They decide what BuildKit takes for a word. */

/** White space as Unicode has it: with U+0085, without U+FEFF. */
const SPACE = "[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const SPACE_CHAR = new RegExp(`^${SPACE}$`);
const NOT_ASCII = /[^\0-\x7f]/;
const LEADING_SPACE = new RegExp(`^${SPACE}+`);
const TRAILING_SPACE = new RegExp(`${SPACE}$`);

export function isSpace(char: string): boolean {
  const code = char.charCodeAt(0);
  // Asked of every character: a pattern takes several times as long.
  if (code < 0x80 && char.length === 1) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  return SPACE_CHAR.test(char);
}

export function trimStart(text: string): string {
  const first = text.charCodeAt(0);
  // Neither blank nor beyond ASCII, as nearly all.
  if (first > 0x20 && first < 0x80) return text;
  return text.replace(LEADING_SPACE, "");
}

export function trimSpace(text: string): string {
  const trimmed = trimStart(text);
  let end = trimmed.length;
  while (end > 0 && TRAILING_SPACE.test(trimmed.charAt(end - 1))) end--;
  return trimmed.slice(0, end);
}

/** The text without the characters of `set` at its end. */
export function trimEndOf(text: string, set: string): string {
  let end = text.length;
  while (end > 0 && set.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/** Where JavaScript and Go agree, and nearly all text. */
function isAscii(text: string): boolean {
  return !NOT_ASCII.test(text);
}

/** Lower case, character by character: no final sigma, and one character for U+0130. */
export function toLower(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  return Array.from(text, (char) => (char === "\u0130" ? "i" : char.toLowerCase())).join("");
}

/** Upper case, character by character: what would become several characters stays. */
export function toUpper(text: string): string {
  if (isAscii(text)) return text.toUpperCase();
  return Array.from(text, (char) => {
    const upper = char.toUpperCase();
    return Array.from(upper).length === 1 ? upper : char;
  }).join("");
}

/** Cuts at the first `separator`; `found` is false and `after` empty when there is none. */
export function cut(text: string, separator: string): { readonly before: string; readonly after: string; readonly found: boolean } {
  const at = text.indexOf(separator);
  if (at === -1) return { before: text, after: "", found: false };
  return { before: text.slice(0, at), after: text.slice(at + separator.length), found: true };
}

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\u0007": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", '"': '\\"', "\\": "\\\\",
};

/** The text in double quotes with Go's escapes, as `%q` prints it. A byte that is not UTF-8 becomes `\xff`. */
export function quote(text: string): string {
  return `"${Array.from(text, quoteChar).join("")}"`;
}

function quoteChar(char: string): string {
  const short = SHORT_ESCAPES[char];
  if (short !== undefined) return short;
  if (PRINTABLE.test(char)) return char;
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  if (!char.isWellFormed()) return `\\x${hex(code & 0xff, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}

/** `1`, `t`, `true` and their kin; undefined for a text that is no boolean. */
export function parseBool(text: string): boolean | undefined {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  return undefined;
}
