import { isSpace, trimSpace, trimStart } from "./go-text.ts";
import { decodeSource, encodeSource } from "./source-text.ts";

export interface SplitLine {
  readonly word: string;
  readonly flags: readonly string[];
  readonly rest: string;
}

/** Between words in instructions: not all that Unicode calls white space. */
export const BLANKS: RegExp = /[\t\v\f\r ]+/;

/** A logical line as its first word, its `--` flags, and the rest, trimmed. */
export function splitLine(line: string, escape: string): SplitLine {
  const trimmed = trimSpace(line);
  const gap = BLANKS.exec(trimmed);
  if (gap === null) return { word: trimmed, flags: [], rest: "" };
  const after = trimmed.slice(gap.index + gap[0].length);
  const mayHaveFlags = trimStart(after).startsWith("--") || !after.isWellFormed();
  const { flags, rest } = mayHaveFlags ? takeFlags(after, escape) : { flags: [], rest: after };
  return { word: trimmed.slice(0, gap.index), flags, rest: trimSpace(rest) };
}

/**
 * BuildKit reads flags byte by byte, each byte as a character: beyond ASCII, texts come out as if they were Latin-1,
 * and the bytes 0x85 and 0xa0 end a word. What follows the flags is not touched.
 */
function takeFlags(text: string, escape: string): { readonly flags: readonly string[]; readonly rest: string } {
  const bytes = encodeSource(text).toString("latin1");
  const flags: string[] = [];
  let at = 0;
  for (;;) {
    while (at < bytes.length && isSpace(bytes.charAt(at))) at++;
    if (!bytes.startsWith("--", at)) return { flags, rest: decodeSource(Buffer.from(bytes.slice(at), "latin1")) };
    const { flag, end } = readFlag(bytes, at, escape);
    at = end;
    if (flag === "--") return { flags, rest: decodeSource(Buffer.from(bytes.slice(at), "latin1")) };
    flags.push(flag);
  }
}

/** One word from `start` on, without its quotes and escapes. An escape at the very end is dropped. */
function readFlag(bytes: string, start: number, escape: string): { readonly flag: string; readonly end: number } {
  let flag = "";
  let quote = "";
  let at = start;
  for (; at < bytes.length; at++) {
    const char = bytes.charAt(at);
    if (quote === "" && isSpace(char)) break;
    if (quote === "" && (char === "'" || char === '"')) quote = char;
    else if (char === quote) quote = "";
    else if (char === escape) flag += bytes.charAt(++at);
    else flag += char;
  }
  return { flag, end: at };
}
