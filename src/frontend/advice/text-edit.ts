import { decodeSource, encodeSource } from "../dockerfile/source-text.ts";

/**
 * Puts `replacement` in the place of the lines `startLine` to `endLine`, counted from 1; an `endLine` before
 * `startLine` inserts before it. The replacement is whole lines with their own ends.
 */
export interface TextEdit {
  readonly startLine: number;
  readonly endLine: number;
  /** A source text: bytes that are not UTF-8 stand as in source-text.ts. */
  readonly replacement: string;
}

/** The physical lines, each with its end. */
export function linesOf(bytes: Uint8Array): readonly string[] {
  return decodeSource(bytes).match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** `\r\n` or `\n` as the line has it; `\n` for a last line without one. */
export function lineEndOf(line: string): string {
  return /\r?\n$/.exec(line)?.[0] ?? "\n";
}

/** The file with the edits, which must not overlap; every byte outside of them is kept. */
export function applyEdits(bytes: Uint8Array, edits: readonly TextEdit[]): Buffer {
  const lines = linesOf(bytes);
  const endsOpen = lines.at(-1)?.endsWith("\n") === false;
  let out = "";
  let at = 0;
  for (const { startLine, endLine, replacement } of edits.toSorted((a, b) => a.startLine - b.startLine)) {
    out += lines.slice(at, startLine - 1).join("");
    // Only the last line of a file can lack its end: what follows needs a line of its own.
    if (out !== "" && !out.endsWith("\n")) out += lineEndOf(lines[0] ?? "");
    out += replacement;
    at = Math.max(endLine, startLine - 1);
  }
  out += lines.slice(at).join("");
  return encodeSource(endsOpen ? out.replace(/\r?\n$/, "") : out);
}
