import { constants, crc32, createDeflateRaw } from "node:zlib";
import type { ByteStream } from "../content/blob-store.ts";
import { compressPart } from "./compress-part.ts";
import { compressedParts } from "./compressed-parts.ts";

/** Compression of one part: large enough that the ratio hardly suffers (0.195 → 0.198), small enough to spread over threads. */
const PART_BYTES = 512 * 1024;

/** Magic, deflate, no flags, no time, no hint, unknown system (RFC 1952, 2.3.1): nothing that varies. */
const HEADER = Buffer.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

/** An empty last block (RFC 1951, 3.2.6). Each part ends in a full flush, so that this may follow any of them. */
const LAST_BLOCK = Buffer.of(0x03, 0x00);

/**
 * One gzip member, compressed in parts on the thread pool. The same input gives the same bytes,
 * however it was cut when it arrived and whatever the machine. `level` as in zlib: 0 to 9.
 */
export async function* gzip(bytes: ByteStream, level: number): ByteStream {
  let sum = 0;
  let sizeBytes = 0;
  yield HEADER;
  yield* compressedParts(bytes, PART_BYTES, async (part) => {
    sum = crc32(part, sum);
    sizeBytes += part.byteLength;
    return await deflated(part, level);
  });
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(sum, 0);
  trailer.writeUInt32LE(sizeBytes % 2 ** 32, 4);
  yield Buffer.concat([LAST_BLOCK, trailer]);
}

async function deflated(part: Buffer, level: number): Promise<Buffer> {
  return await compressPart(createDeflateRaw({ level, finishFlush: constants.Z_FULL_FLUSH, chunkSize: PART_BYTES }), part);
}
