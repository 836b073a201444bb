import { Readable } from "node:stream";
import { constants, createZstdCompress } from "node:zlib";
import type { ByteStream } from "../content/blob-store.ts";

/** One zstd frame. Single-threaded on purpose: Node's stream fails with ZSTD_c_nbWorkers set. */
export function zstd(bytes: ByteStream, level: number): ByteStream {
  const compressor = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: level } });
  const source = Readable.from(bytes, { objectMode: false });
  // pipe() does not carry errors over; the reader of the result must see them.
  source.on("error", (error) => compressor.destroy(error));
  return source.pipe(compressor);
}
