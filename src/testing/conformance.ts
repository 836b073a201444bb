import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** Data of BuildKit's behaviour, kept beside the project and never in it. */
const FOLDER: string = process.env["STEMMA_CONFORMANCE"] ?? join(import.meta.dirname, "../../../shared/conformance");

export interface ConformanceFile<T> {
  /** For node:test: the reason to skip, or false where the file is here. */
  readonly skip: string | false;
  read(): T;
}

/** One JSON file of that data. Reading waits for the test, so that a skipped one needs nothing. */
export function conformance<T>(path: string): ConformanceFile<T> {
  const file = join(FOLDER, path);
  return {
    skip: existsSync(file) ? false : `no conformance data: ${path}`,
    read: () => {
      const bytes = readFileSync(file);
      // The caller names the shape of its own file; a wrong one fails its assertions.
      return JSON.parse((path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString()) as T;
    },
  };
}

/** A folder of that data, for tests that read several kinds of files. */
export function conformanceFolder(path: string): Omit<ConformanceFile<never>, "read"> & { readonly path: string } {
  const folder = join(FOLDER, path);
  return { skip: existsSync(folder) ? false : `no conformance data: ${path}`, path: folder };
}
