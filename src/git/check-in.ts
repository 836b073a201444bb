import type { Attributes } from "./attributes.ts";

/** What git does to a file's bytes before they become a blob, as far as it needs no other program (gitattributes(5)). */
export interface CheckIn {
  /** Of the file in the work tree; undefined for UTF-8, and for what is no text. */
  readonly encoding: string | undefined;
  /** Whether CRLF becomes LF: `auto` asks the content. */
  readonly lineEnds: "kept" | "changed" | "auto";
  /** Whether `$Id: …$` becomes `$Id$`. */
  readonly keyword: boolean;
}

/** A keyword as a checkout writes it. Git takes back whatever stands there; here only the id of a blob may. */
const EXPANDED_KEYWORD = /\$Id: [0-9a-f]{40}(?:[0-9a-f]{24})? \$/g;

/** `isAutomatic`: core.autocrlf is on, which counts where no attribute speaks. Undefined where the bytes stay as they are. */
export function checkInOf(attributes: Attributes, isAutomatic: boolean): CheckIn | undefined {
  const encoding = attributes["working-tree-encoding"];
  const isEncoded = encoding !== undefined && encoding !== "unset" && encoding !== "set" && !/^utf-?8$/i.test(encoding);
  const checkIn: CheckIn = { encoding: isEncoded ? encoding : undefined, lineEnds: lineEndsOf(attributes, isAutomatic), keyword: attributes.ident === "set" };
  return checkIn.encoding === undefined && checkIn.lineEnds === "kept" && !checkIn.keyword ? undefined : checkIn;
}

/** `eol` makes text of what is neither declared text nor binary; `crlf` is the older name of `text`. */
function lineEndsOf({ text, crlf, eol }: Attributes, isAutomatic: boolean): CheckIn["lineEnds"] {
  const declared = declaredText(text) ?? declaredText(crlf);
  if (declared !== undefined) return declared;
  if (eol === "lf" || eol === "crlf") return "changed";
  return isAutomatic ? "auto" : "kept";
}

function declaredText(value: string | undefined): CheckIn["lineEnds"] | undefined {
  if (value === "set" || value === "input") return "changed";
  if (value === "unset") return "kept";
  return value === "auto" ? "auto" : undefined;
}

/** The bytes that git would commit. Undefined where the encoding is not known here, or the bytes are not of it. */
export function checkedIn(bytes: Buffer, { encoding, lineEnds, keyword }: CheckIn): Buffer | undefined {
  const text = encoding === undefined ? bytes : decoded(bytes, encoding);
  if (text === undefined) return undefined;
  const withLineFeeds = lineEnds === "changed" || (lineEnds === "auto" && !looksBinary(text)) ? withoutCarriageReturns(text) : text;
  // By latin1, which keeps every byte.
  return keyword && withLineFeeds.includes("$Id: ") ? Buffer.from(withLineFeeds.toString("latin1").replace(EXPANDED_KEYWORD, "$Id$"), "latin1") : withLineFeeds;
}

function decoded(bytes: Buffer, encoding: string): Buffer | undefined {
  if (bytes.length === 0) return bytes;
  const utf16 = /^utf-?16-?(le|be)?(-bom)?$/i.exec(encoding);
  const mark = byteOrder(bytes);
  // With its order in the name UTF-16 must not have the mark, and without must have it.
  const isMarked = utf16 !== null && (utf16[1] === undefined || utf16[2] !== undefined);
  if (utf16 !== null && isMarked !== (mark !== undefined)) return undefined;
  try {
    const decoder = new TextDecoder(utf16 === null ? encoding : `utf-16${mark ?? utf16[1]?.toLowerCase() ?? ""}`, { fatal: true, ignoreBOM: true });
    return Buffer.from(decoder.decode(isMarked ? bytes.subarray(2) : bytes), "utf8");
  } catch (error) {
    // A name that nobody knows, or bytes that are not of that encoding.
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function byteOrder(bytes: Buffer): "le" | "be" | undefined {
  if (bytes.length < 2) return undefined;
  const mark = bytes.readUInt16BE(0);
  return mark === 0xfffe ? "le" : mark === 0xfeff ? "be" : undefined;
}

const CR = 0x0d;
const LF = 0x0a;

/** Git's guess: a zero byte, a carriage return by itself, or more than one control character in 128. */
function looksBinary(bytes: Buffer): boolean {
  let [printable, controls] = [0, 0];
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === 0 || (byte === CR && bytes[at + 1] !== LF)) return true;
    if (byte === CR || byte === LF) continue;
    if (byte === 0x7f || (byte < 0x20 && !TEXT_CONTROLS.has(byte))) controls += 1;
    else printable += 1;
  }
  // DOS ends its files with Ctrl-Z.
  if (bytes.at(-1) === 0x1a) controls -= 1;
  return printable >> 7 < controls;
}

/** Backspace, tab, form feed and escape. */
const TEXT_CONTROLS: ReadonlySet<number> = new Set([0x08, 0x09, 0x0c, 0x1b]);

function withoutCarriageReturns(bytes: Buffer): Buffer {
  if (!bytes.includes("\r\n")) return bytes;
  const kept = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === CR && bytes[at + 1] === LF) continue;
    kept[length] = byte;
    length += 1;
  }
  return kept.subarray(0, length);
}
