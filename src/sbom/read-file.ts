import { collectBytes } from "../content/bytes.ts";
import type { CatalogContext } from "./cataloger.ts";
import type { ScanFile } from "./scan-tree.ts";

/** A data base or a lock file is held in memory whole. Above the largest that is met, RPM's of a whole desktop; a bound on what an image can make us hold. */
export const FILE_BYTES_MAX: number = 256 * 1024 * 1024;

/** Thrown by what parses a file; the message says what is wrong, without the path. */
export class DamagedFileError extends Error {
  override readonly name = "DamagedFileError";
  readonly code = "damaged";
  readonly retryable = false;
}

export interface ParsedFile<T> {
  readonly file: ScanFile;
  readonly parsed: T;
}

/**
 * Each file, parsed, in their order. One that `parse` refuses (DamagedFileError, SyntaxError, as JSON.parse throws),
 * and one that is too large, is told to `context` and left out.
 */
export async function* parseFiles<T>(
  files: Iterable<ScanFile>, parse: (bytes: Buffer, path: string) => T, context: Pick<CatalogContext, "warn">, signal: AbortSignal,
): AsyncGenerator<ParsedFile<T>> {
  for (const file of files) {
    const parsed = await parseFile(file, parse, context, signal);
    if (parsed !== undefined) yield { file, parsed };
  }
}

/** Undefined for what was told to `context` instead. */
export async function parseFile<T>(
  file: ScanFile, parse: (bytes: Buffer, path: string) => T, context: Pick<CatalogContext, "warn">, signal: AbortSignal,
): Promise<T | undefined> {
  if (file.sizeBytes > FILE_BYTES_MAX) {
    context.warn(`${file.path}: not read, more than ${FILE_BYTES_MAX} bytes`);
    return undefined;
  }
  const bytes = await collectBytes(file.read(signal), FILE_BYTES_MAX);
  return await unlessDamaged(file.path, () => parse(bytes, file.path), context);
}

/** For what is parsed on the way: undefined where `work` met damage, which is told to `context`. */
export async function unlessDamaged<T>(path: string, work: () => T | Promise<T>, context: Pick<CatalogContext, "warn">): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DamagedFileError || error instanceof SyntaxError)) throw error;
    context.warn(`${path}: ${error.message}`);
    return undefined;
  }
}
