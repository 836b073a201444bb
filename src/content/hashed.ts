import type { Hash } from "node:crypto";
import type { ByteStream } from "./blob-store.ts";

/** Passes bytes through, and adds them to `sum`. */
export async function* hashed(bytes: ByteStream, sum: Hash): ByteStream {
  for await (const chunk of bytes) {
    sum.update(chunk);
    yield chunk;
  }
}
