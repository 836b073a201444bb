import { DamagedFileError } from "./read-file.ts";

/** As text files are written; a mark of the byte order at the start is none of the text. */
export function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

/** Throws DamagedFileError. Its message has nothing of the file, which may hold what is nobody's business. */
export function parseJson(bytes: Uint8Array): unknown {
  return parsed("JSON", () => JSON.parse(textOf(bytes)) as unknown);
}

/** Lines without what ends them. */
export function linesOf(bytes: Uint8Array): string[] {
  return textOf(bytes).split(/\r\n|\n|\r/);
}

/** Whatever a parser throws, on a stack that ran out as well, it is the file that is wrong. */
export function parsed<T>(form: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new DamagedFileError(`no valid ${form}`, { cause: error });
  }
}
