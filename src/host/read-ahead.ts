import { read as readCallback } from "node:fs";
import { promisify } from "node:util";

const read = promisify(readCallback);

/** Reads below this size cost twice the time for sha256 (measured). */
const PIECE_BYTES = 1024 * 1024;

export interface OpenPart {
  readonly fd: number;
  readonly offsetBytes: number;
  /** Infinity for all that there is. */
  readonly sizeBytes: number;
  /** True: a piece is only valid until the next is asked for, and there are no more than two buffers, however large the file. */
  readonly lent: boolean;
}

/**
 * A part of an open file, of which the next piece is read while whoever asked works on the last. Ends early where the file
 * does. The file must stay open until the iteration has ended; then nothing is read from it any more.
 */
export async function* readAhead({ fd, offsetBytes, sizeBytes, lent }: OpenPart): AsyncGenerator<Buffer> {
  const end = offsetBytes + sizeBytes;
  let at = offsetBytes;
  let free: ArrayBufferLike | undefined;
  const readNext = (): Promise<Buffer> => readPiece(fd, at, pieceBuffer(end - at, free));
  let reading = readNext();
  try {
    for (;;) {
      const piece = await reading;
      if (piece.byteLength === 0) return;
      at += piece.byteLength;
      reading = readNext();
      yield piece;
      if (lent) free = piece.buffer;
    }
  } finally {
    await reading.catch(() => undefined); // Told above by the same promise, or nobody wants to know.
  }
}

function pieceBuffer(missingBytes: number, free: ArrayBufferLike | undefined): Buffer {
  const sizeBytes = Math.min(PIECE_BYTES, missingBytes);
  // Memory of its own, not a part of what many buffers share.
  return free === undefined || free.byteLength < sizeBytes ? Buffer.allocUnsafeSlow(sizeBytes) : Buffer.from(free, 0, sizeBytes);
}

async function readPiece(fd: number, at: number, buffer: Buffer): Promise<Buffer> {
  if (buffer.byteLength === 0) return buffer;
  const { bytesRead } = await read(fd, buffer, 0, buffer.byteLength, at);
  return buffer.subarray(0, bytesRead);
}
