import { crc32 } from "node:zlib";
import type { ByteStream, ChunkOwner } from "../content/blob-store.ts";
import { compressedParts } from "./compressed-parts.ts";

/** Compression of one part: large enough that the ratio hardly suffers (0.195 → 0.198), small enough to spread over threads. */
const PART_BYTES = 512 * 1024;

/** Magic, deflate, no flags, no time, no hint, unknown system (RFC 1952, 2.3.1): nothing that varies. */
const HEADER = Buffer.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

/** An empty last block (RFC 1951, 3.2.6), which may follow a full flush. */
const LAST_BLOCK = Buffer.of(0x03, 0x00);

/**
 * One gzip member, compressed in parts on several threads. The same input gives the same bytes,
 * however it was cut when it arrived and whatever the machine. `level` as in zlib: 0 to 9.
 */
export async function* gzip(bytes: ByteStream, level: number, chunks: ChunkOwner = "kept"): ByteStream {
  let sum = 0;
  let sizeBytes = 0;
  yield HEADER;
  yield* compressedParts(bytes, { kind: "deflate", level, partBytes: PART_BYTES }, chunks, (part) => {
    sum = crc32(part, sum);
    sizeBytes += part.byteLength;
  });
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(sum, 0);
  trailer.writeUInt32LE(sizeBytes % 2 ** 32, 4);
  yield Buffer.concat([LAST_BLOCK, trailer]);
}
