import { Readable } from "node:stream";
import { constants, createZstdCompress } from "node:zlib";
import type { ByteStream, ChunkOwner } from "../content/blob-store.ts";
import { compressPart } from "./compress-part.ts";
import { compressedParts } from "./compressed-parts.ts";

/** Of one frame: twice what a frame looks back at the level that is usual, so that the ratio hardly suffers (programs of /usr: 0.2 %). */
const FRAME_BYTES = 4 * 1024 * 1024;

/** Levels above look further back than a frame is long: they get one frame, on one thread. */
const FRAMES_LEVEL_MAX = 16;

/**
 * Frames one behind the other (RFC 8878, 3), compressed on several threads; none for no bytes at all would be no zstd, so there is
 * an empty one. The same input gives the same bytes, however it was cut when it arrived. `level` as in zstd: 0, its default, to 22.
 */
export async function* zstd(bytes: ByteStream, level: number, chunks: ChunkOwner = "kept"): ByteStream {
  if (level > FRAMES_LEVEL_MAX) return yield* oneFrame(bytes, level);
  let isEmpty = true;
  yield* compressedParts(bytes, { kind: "zstd", level, partBytes: FRAME_BYTES }, chunks, () => {
    isEmpty = false;
  });
  if (isEmpty) yield await compressPart(Buffer.alloc(0), { kind: "zstd", level });
}

/** Single-threaded: Node's stream fails with ZSTD_c_nbWorkers set. */
function oneFrame(bytes: ByteStream, level: number): ByteStream {
  const compressor = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } });
  const source = Readable.from(bytes, { objectMode: false });
  // pipe() does not carry errors over; the reader of the result must see them.
  source.on("error", (error) => compressor.destroy(error));
  return source.pipe(compressor);
}
