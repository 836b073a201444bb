import { HttpError } from "../host/http-error.ts";
import { SourceError } from "../source/source-error.ts";

/** What a server refuses while a step of the graph is given its key is told as that, in BuildKit's words. */
export async function ofCacheKey<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const message = `failed to load cache key: ${error instanceof Error ? error.message : String(error)}`;
    if (error instanceof SourceError) throw new SourceError(error.code, message, { cause: error });
    if (error instanceof HttpError) throw new HttpError(error.code, message, { cause: error });
    throw error;
  }
}
