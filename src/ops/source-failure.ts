import { SourceError } from "../source/source-error.ts";

/** What a server refuses while a step of the graph is given its key is told as that, in BuildKit's words. */
export async function ofCacheKey<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    throw new SourceError(error.code, `failed to load cache key: ${error.message}`, { cause: error });
  }
}
