import { pipeline, type Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import type { ByteStream } from "../content/blob-store.ts";
import { ArchiveError } from "./archive-error.ts";
import { ChunkReader } from "./chunk-reader.ts";
import { EXPANSION_LIMIT, type ExpansionLimit } from "./limits.ts";
import { isZstdMagic, zstdFrames } from "./zstd-frames.ts";

export type Compression = "gzip" | "zstd" | "none";

/** Twice the speed of Node's default of 16 KiB (measured). */
const CHUNK_BYTES = 256 * 1024;

const MAGIC_BYTES = 4;

/** What the first bytes of a stream say; only those of a real gzip or zstd stream are taken for one. */
export function compressionOf(start: Uint8Array): Compression {
  if (start[0] === 0x1f && start[1] === 0x8b && start[2] === 8) return "gzip";
  return isZstdMagic(start) ? "zstd" : "none";
}

/** Decompresses by what the bytes are, whatever a media type says. Throws ArchiveError for damaged ones, and for what expands beyond the limit. */
export async function* decompress(bytes: ByteStream, limit: ExpansionLimit = EXPANSION_LIMIT): ByteStream {
  yield* withinExpansion(bytes, decompressed, limit);
}

/** What `expand` makes of bytes, as long as it keeps to the limit. */
export async function* withinExpansion(bytes: ByteStream, expand: (bytes: ByteStream) => ByteStream, { freeBytes, ratioMax }: ExpansionLimit): ByteStream {
  let readBytes = 0;
  let givenBytes = 0;
  const counted = async function* (): ByteStream {
    for await (const chunk of bytes) {
      readBytes += chunk.byteLength;
      yield chunk;
    }
  };
  for await (const chunk of expand(counted())) {
    givenBytes += chunk.byteLength;
    if (givenBytes > freeBytes && givenBytes > readBytes * ratioMax) throw new ArchiveError("too-large", `compressed data that grows beyond ${freeBytes} bytes, and to more than ${ratioMax} times its size`);
    yield chunk;
  }
}

async function* decompressed(bytes: ByteStream): ByteStream {
  await using input = new ChunkReader(bytes);

  const start = await input.take(MAGIC_BYTES);
  input.giveBack(start);
  switch (compressionOf(start)) {
    case "gzip":
      yield* through(input.rest(), createGunzip({ chunkSize: CHUNK_BYTES }));
      return;
    case "zstd":
      for await (const frame of zstdFrames(input)) yield* through(frame, createZstdDecompress({ chunkSize: CHUNK_BYTES }));
      return;
    case "none":
      yield* input.rest();
  }
}

/** Errors of the source keep their own face; only the decompressor's become ours. */
async function* through(bytes: ByteStream, transform: Transform): ByteStream {
  const source: { error?: unknown } = {};
  const watched = async function* (): ByteStream {
    try {
      yield* bytes;
    } catch (error) {
      source.error = error;
      throw error;
    }
  };
  pipeline(watched(), transform, () => undefined);
  try {
    yield* transform as AsyncIterable<Buffer>;
  } catch (error) {
    if ("error" in source) throw source.error;
    throw new ArchiveError("corrupt", "damaged compressed data", { cause: error });
  }
}
