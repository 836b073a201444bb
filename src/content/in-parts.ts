import type { ByteStream } from "./blob-store.ts";

/**
 * The bytes in parts of a fixed size, wherever the chunks of the source end; the last may be shorter, and of no bytes there is none.
 * Each is copied into memory that `take` gives, which is as large as a part.
 */
export async function* inParts(bytes: ByteStream, take: () => Buffer): AsyncGenerator<Buffer, void, void> {
  let part: Buffer | undefined;
  let filledBytes = 0;
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.byteLength; ) {
      part ??= take();
      const taken = Math.min(chunk.byteLength - at, part.byteLength - filledBytes);
      part.set(chunk.subarray(at, at + taken), filledBytes);
      at += taken;
      filledBytes += taken;
      if (filledBytes < part.byteLength) continue;
      yield part;
      part = undefined;
      filledBytes = 0;
    }
  }
  if (part !== undefined) yield part.subarray(0, filledBytes);
}
