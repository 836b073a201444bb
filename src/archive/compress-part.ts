import type { Transform } from "node:stream";
import { constants, createDeflateRaw, createZstdCompress, deflateRawSync, zstdCompressSync } from "node:zlib";

/** How a part is compressed: `deflate` ends in a full flush, so that another part or the last block may follow; `zstd` is a frame. */
export interface PartForm {
  readonly kind: "deflate" | "zstd";
  readonly level: number;
}

/** What a part may grow by where nothing can be saved: more than either of the two adds. */
const GROWTH_BYTES = 64 * 1024;

/** Room for whatever a part becomes. */
export function roomFor(partBytes: number): number {
  return partBytes + GROWTH_BYTES;
}

/** On a thread of Node's pool. Does not look at the part any more once that is done. */
export async function compressPart(part: Uint8Array, form: PartForm): Promise<Buffer> {
  const { flush, ...others } = options(part, form);
  const compressor: Transform = form.kind === "deflate" ? createDeflateRaw({ ...others, flush }) : createZstdCompress({ ...others, flush });
  const pieces: Buffer[] = [];
  return await new Promise((resolve, reject) => {
    compressor.on("data", (piece: Buffer) => pieces.push(piece));
    compressor.on("error", reject);
    // In one go: given an end of its own, zstd has not seen all of the part when it begins, and makes something else of it.
    compressor.write(part, (error) => {
      compressor.destroy();
      if (error) reject(error);
      else resolve(joined(pieces));
    });
  });
}

/** The same bytes, on the calling thread. In memory that nothing else lies in. */
export function compressPartSync(part: Uint8Array, form: PartForm): Buffer<ArrayBuffer> {
  const { flush, ...others } = options(part, form);
  return form.kind === "deflate" ? deflateRawSync(part, { ...others, finishFlush: flush }) : zstdCompressSync(part, { ...others, finishFlush: flush });
}

interface CompressorOptions {
  readonly level?: number;
  readonly params?: Record<number, number>;
  readonly flush: number;
  readonly chunkSize: number;
}

function options({ byteLength }: Uint8Array, { kind, level }: PartForm): CompressorOptions {
  const chunkSize = roomFor(byteLength);
  if (kind === "deflate") return { level, flush: constants.Z_FULL_FLUSH, chunkSize };
  return { params: { [constants.ZSTD_c_compressionLevel]: level }, flush: constants.ZSTD_e_end, chunkSize };
}

/** Pieces that lie one behind the other in memory, as those of a compressor do that was given room for all, are one piece without being copied. */
function joined(pieces: readonly Buffer[]): Buffer {
  const [first, ...others] = pieces;
  if (first === undefined) return Buffer.alloc(0);
  let end = first.byteOffset + first.byteLength;
  for (const { buffer, byteOffset, byteLength } of others) {
    if (buffer !== first.buffer || byteOffset !== end) return Buffer.concat(pieces);
    end += byteLength;
  }
  return Buffer.from(first.buffer, first.byteOffset, end - first.byteOffset);
}
