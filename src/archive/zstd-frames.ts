import type { ByteStream } from "../content/blob-store.ts";
import { ArchiveError } from "./archive-error.ts";
import type { ChunkReader } from "./chunk-reader.ts";

const MAGIC_BYTES = 4;
const FRAME_MAGIC = 0xfd2fb528;
/** Sixteen magics, of frames that decoders pass over (RFC 8878, 3.1.2). */
const SKIPPABLE_MAGIC = 0x184d2a50;

const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const RLE_BLOCK = 1;

/** True where a frame of either kind begins. */
export function isZstdMagic(start: Uint8Array): boolean {
  if (start.byteLength < MAGIC_BYTES) return false;
  const magic = new DataView(start.buffer, start.byteOffset, MAGIC_BYTES).getUint32(0, true);
  return magic === FRAME_MAGIC || isSkippable(magic);
}

/**
 * The frames of a zstd stream, each as the bytes of one frame, to be read to its end before the next.
 * Node's decompressor stops without a word after the first; zstd:chunked and pzstd write thousands.
 */
export async function* zstdFrames(input: ChunkReader): AsyncIterable<ByteStream> {
  for (;;) {
    const start = await input.take(MAGIC_BYTES);
    if (start.length === 0) return;
    if (!isZstdMagic(start)) throw new ArchiveError("corrupt", "no frame of zstd where one should begin");
    const magic = start.readUInt32LE(0);
    if (!isSkippable(magic)) {
      yield frame(start, input);
      continue;
    }
    const sizeBytes = (await exactly(input, 4)).readUInt32LE(0);
    if ((await input.skip(sizeBytes)) < sizeBytes) throw truncated();
  }
}

async function* frame(magic: Buffer, input: ChunkReader): ByteStream {
  const descriptor = await exactly(input, 1);
  const flags = descriptor.readUInt8(0);
  yield Buffer.concat([magic, descriptor, await exactly(input, headerBytes(flags))]);
  for (let last = false; !last; ) {
    const header = await exactly(input, BLOCK_HEADER_BYTES);
    const fields = header.readUIntLE(0, BLOCK_HEADER_BYTES);
    last = (fields & 1) === 1;
    yield header;
    yield* pieces(input, ((fields >> 1) & 3) === RLE_BLOCK ? 1 : fields >> 3);
  }
  if ((flags & 4) !== 0) yield await exactly(input, CHECKSUM_BYTES);
}

/** What follows the descriptor (RFC 8878, 3.1.1.1): window, dictionary id, size of the content. */
function headerBytes(flags: number): number {
  const singleSegment = (flags & 0x20) !== 0;
  const contentSizeFlag = (flags >> 6) as 0 | 1 | 2 | 3;
  const contentSizeBytes = contentSizeFlag === 0 && singleSegment ? 1 : CONTENT_SIZE_BYTES[contentSizeFlag];
  return (singleSegment ? 0 : 1) + DICTIONARY_ID_BYTES[(flags & 3) as 0 | 1 | 2 | 3] + contentSizeBytes;
}

async function* pieces(input: ChunkReader, sizeBytes: number): ByteStream {
  for (let missing = sizeBytes; missing > 0; ) {
    const piece = input.takeReady(missing);
    if (piece !== undefined) {
      missing -= piece.length;
      yield piece;
    } else if (!(await input.fill())) throw truncated();
  }
}

async function exactly(input: ChunkReader, sizeBytes: number): Promise<Buffer> {
  const bytes = await input.take(sizeBytes);
  if (bytes.length < sizeBytes) throw truncated();
  return bytes;
}

function isSkippable(magic: number): boolean {
  return (magic & 0xfffffff0) === SKIPPABLE_MAGIC;
}

function truncated(): ArchiveError {
  return new ArchiveError("corrupt", "compressed data ends within a frame");
}
