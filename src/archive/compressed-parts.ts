import { availableParallelism } from "node:os";
import type { ByteStream } from "../content/blob-store.ts";

/** Node's pool, where nobody said otherwise. */
const POOL_THREADS = 4;

/** Parts under way at once: as many as there are threads that run at a time, and one to come. Each is held in memory. */
const PARTS_IN_FLIGHT_MAX = Math.min(POOL_THREADS, availableParallelism()) + 1;

/** Compresses one part, on a thread of the pool, and does not look at it any more once that is done. Rejects where the library fails. */
export type CompressPart = (part: Buffer) => Promise<Buffer>;

/**
 * What `compress` makes of each part, in order, with several under way. Parts are cut at fixed distances from the start,
 * wherever the chunks of the source end, so that they are the same however the bytes arrive and however many threads there are.
 */
export async function* compressedParts(bytes: ByteStream, partBytes: number, compress: CompressPart): ByteStream {
  const inFlight: Array<Promise<Buffer>> = [];
  // Used again: parts that wait for the garbage collector may take several times the memory of those that are needed.
  const spare: Buffer[] = [];
  const takePart = (): Buffer => spare.pop() ?? Buffer.allocUnsafe(partBytes);
  try {
    for await (const part of inParts(bytes, partBytes, takePart)) {
      inFlight.push(compress(part).finally(() => {
        if (part.byteLength === partBytes) spare.push(part);
      }));
      if (inFlight.length >= PARTS_IN_FLIGHT_MAX) yield await next(inFlight);
    }
    while (inFlight.length > 0) yield await next(inFlight);
  } finally {
    // Whoever stops early leaves work on the pool, whose failure nobody would hear.
    await Promise.allSettled(inFlight);
  }
}

/** The first, which stays among those under way until it has ended. */
async function next(inFlight: Array<Promise<Buffer>>): Promise<Buffer> {
  const first = inFlight[0];
  if (first === undefined) throw new RangeError("nothing is in flight");
  const bytes = await first;
  void inFlight.shift();
  return bytes;
}

async function* inParts(bytes: ByteStream, partBytes: number, takePart: () => Buffer): AsyncIterable<Buffer> {
  let part = takePart();
  let filled = 0;
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.byteLength; ) {
      const taken = Math.min(chunk.byteLength - at, partBytes - filled);
      part.set(chunk.subarray(at, at + taken), filled);
      at += taken;
      filled += taken;
      if (filled < partBytes) continue;
      yield part;
      part = takePart();
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}
