import type { ByteStream } from "./blob-store.ts";

/** Somebody sent more than a thing of its kind ever has. */
export class TooManyBytesError extends RangeError {
  override readonly name = "TooManyBytesError";
  readonly code = "too-large";
  readonly retryable = false;

  constructor(limitBytes: number) {
    super(`more than ${limitBytes} bytes`);
  }
}

/** The whole stream in one buffer. `limitBytes` bounds what a hostile sender can make us hold: beyond, it throws TooManyBytesError. */
export async function collectBytes(stream: ByteStream, limitBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let seenBytes = 0;
  for await (const chunk of stream) {
    seenBytes += chunk.byteLength;
    if (seenBytes > limitBytes) throw new TooManyBytesError(limitBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A place within a file. */
export interface BytesPart {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** A part of a stream, less where it ends before. The rest is read as well: what a stream checks, it checks at its end. */
export async function* partOf(stream: ByteStream, { offsetBytes, sizeBytes }: BytesPart): ByteStream {
  const endBytes = offsetBytes + sizeBytes;
  let at = 0;
  for await (const chunk of stream) {
    const piece = chunk.subarray(Math.max(0, offsetBytes - at), Math.max(0, endBytes - at));
    if (piece.byteLength > 0) yield piece;
    at += chunk.byteLength;
  }
}

/** A stream of bytes that are already here. */
export async function* bytesOf(...chunks: readonly Uint8Array[]): ByteStream {
  yield* chunks;
}
