import { CorruptBlobError, type ByteStream } from "./blob-store.ts";
import { collectBytes } from "./bytes.ts";

/** Does all of it anew where other bytes came than were asked for, and somebody else can be asked for them. Ends, since nobody is asked twice. */
export async function fromAnother<T>(fetch: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await fetch();
    } catch (error) {
      if (!(error instanceof CorruptBlobError && error.retryable)) throw error;
    }
  }
}

/** All bytes of a small blob. Throws as `collectBytes` does. */
export async function collectFetched(fetch: () => ByteStream, sizeMax: number): Promise<Buffer> {
  return await fromAnother(() => collectBytes(fetch(), sizeMax));
}
