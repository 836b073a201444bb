import { constants, crc32, deflateRaw } from "node:zlib";
import type { ByteStream } from "../content/blob-store.ts";

/** Compression of one part: large enough that the ratio hardly suffers (0.195 → 0.198), small enough to spread over threads. */
const PART_BYTES = 512 * 1024;

/** Parts under way at once: the threads of Node's pool, and one to come. */
const PARTS_IN_FLIGHT_MAX = 5;

/** Magic, deflate, no flags, no time, no hint, unknown system (RFC 1952, 2.3.1): nothing that varies. */
const HEADER = Buffer.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

/** An empty last block (RFC 1951, 3.2.6). Each part ends in a full flush, so that this may follow any of them. */
const LAST_BLOCK = Buffer.of(0x03, 0x00);

/**
 * One gzip member, compressed in parts on the thread pool. The same input gives the same bytes,
 * however it was cut when it arrived and whatever the machine. `level` as in zlib: 0 to 9.
 */
export async function* gzip(bytes: ByteStream, level: number): ByteStream {
  const inFlight: Array<Promise<Buffer>> = [];
  let sum = 0;
  let sizeBytes = 0;
  try {
    yield HEADER;
    for await (const part of inParts(bytes)) {
      sum = crc32(part, sum);
      sizeBytes += part.byteLength;
      inFlight.push(compressPart(part, level));
      if (inFlight.length >= PARTS_IN_FLIGHT_MAX) yield await next(inFlight);
    }
    while (inFlight.length > 0) yield await next(inFlight);
  } finally {
    // Whoever stops early leaves work on the pool, whose failure nobody would hear.
    await Promise.allSettled(inFlight);
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(sum, 0);
  trailer.writeUInt32LE(sizeBytes % 2 ** 32, 4);
  yield Buffer.concat([LAST_BLOCK, trailer]);
}

async function next(inFlight: Array<Promise<Buffer>>): Promise<Buffer> {
  const first = inFlight[0];
  if (first === undefined) throw new RangeError("nothing is in flight");
  const bytes = await first;
  void inFlight.shift();
  return bytes;
}

async function compressPart(part: Buffer, level: number): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    deflateRaw(part, { level, finishFlush: constants.Z_FULL_FLUSH, chunkSize: PART_BYTES }, (error, compressed) => {
      if (error === null) resolve(compressed);
      else reject(error);
    });
  });
}

/** Cuts at fixed distances from the start, wherever the chunks of the source end. */
async function* inParts(bytes: ByteStream): AsyncIterable<Buffer> {
  let part = Buffer.allocUnsafe(PART_BYTES);
  let filled = 0;
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.byteLength; ) {
      const taken = Math.min(chunk.byteLength - at, PART_BYTES - filled);
      part.set(chunk.subarray(at, at + taken), filled);
      at += taken;
      filled += taken;
      if (filled < PART_BYTES) continue;
      yield part;
      part = Buffer.allocUnsafe(PART_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}
