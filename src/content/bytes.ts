import type { ByteStream } from "./blob-store.ts";

/** The whole stream in one buffer. `limitBytes` bounds what a hostile sender can make us hold. */
export async function collectBytes(stream: ByteStream, limitBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let seenBytes = 0;
  for await (const chunk of stream) {
    seenBytes += chunk.byteLength;
    if (seenBytes > limitBytes) throw new RangeError(`more than ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A stream of bytes that are already here. */
export async function* bytesOf(...chunks: readonly Uint8Array[]): ByteStream {
  yield* chunks;
}
