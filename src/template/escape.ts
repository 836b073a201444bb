import { isPrintable } from "./quote.ts";

const HTML: Readonly<Record<string, string>> = { "\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const JS: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "'": String.raw`\'`,
  '"': String.raw`\"`,
  "<": String.raw`\u003C`,
  ">": String.raw`\u003E`,
  "&": String.raw`\u0026`,
  "=": String.raw`\u003D`,
};

export function escapeHtml(text: string): string {
  return text.replace(/[\0"'&<>]/g, (character) => HTML[character] ?? character);
}

/** For the inside of a JavaScript string. */
export function escapeJs(text: string): string {
  return text.replace(/[\\'"<>=]|\x26|[\p{Cc}--[\u007f-\u009f]]|\P{ASCII}/gv, (character) => JS[character] ?? (isPrintable(character) ? character : hex(character)));
}

/** For a value in a URL's query. */
export function escapeQuery(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]|%20/g, (part) => (part === "%20" ? "+" : `%${part.charCodeAt(0).toString(16).toUpperCase()}`));
}

function hex(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
