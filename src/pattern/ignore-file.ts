import { cleanPath } from "./clean-path.ts";
import { trimSpace } from "./trim-space.ts";

/** Longest line of an ignore file, in bytes, as BuildKit reads it. */
const LINE_BYTES_MAX = 64 * 1024;

/** An ignore file that cannot be read; the text is BuildKit's. */
export class IgnoreFileError extends Error {
  override readonly name = "IgnoreFileError";
  readonly code = "line-too-long";

  constructor() {
    super("bufio.Scanner: token too long");
  }

  get retryable(): boolean {
    return false;
  }
}

/**
 * The patterns of a `.dockerignore`, in order: without comments and empty lines, cleaned, and
 * relative to the root of the context. Throws IgnoreFileError for a line longer than 64 KiB.
 */
export function readIgnoreFile(text: string): string[] {
  const withoutMark = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const patterns: string[] = [];
  for (const line of withoutMark.split("\n")) {
    if (line.length * 3 >= LINE_BYTES_MAX && Buffer.byteLength(line) >= LINE_BYTES_MAX) throw new IgnoreFileError();
    const pattern = readLine(line);
    if (pattern !== undefined) patterns.push(pattern);
  }
  return patterns;
}

function readLine(line: string): string | undefined {
  // A comment is known by the very first character: ` #x` is a pattern.
  if (line.startsWith("#")) return undefined;
  const trimmed = trimSpace(line);
  if (trimmed === "") return undefined;
  return trimmed.startsWith("!") ? `!${relativePattern(trimSpace(trimmed.slice(1)))}` : relativePattern(trimmed);
}

function relativePattern(pattern: string): string {
  if (pattern === "") return "";
  const clean = cleanPath(pattern);
  return clean.length > 1 && clean.startsWith("/") ? clean.slice(1) : clean;
}
