import { CacheError } from "./cache-error.ts";

/**
 * Loads a package that only some need and that is not installed with us; `T` is as much of it as is used. Throws CacheError
 * ("unsupported") that names it.
 */
export async function optionalPackage<T>(name: string, wantedFor: string): Promise<T> {
  try {
    // Its own types are not there where it is not: what is used of it is written down by who uses it, and tested with the real thing.
    return (await import(name)) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new CacheError("unsupported", `${wantedFor} needs the package ${name}, which is not installed with stemma: npm install ${name}`, { cause: error });
  }
}
