import type { Transform } from "node:stream";

/**
 * What a compressor of its own makes of one part. Pieces that lie one behind the other in memory, as those of a compressor do that was
 * given room for all, are one piece without being copied, which zlib's own functions for a whole buffer do.
 */
export async function compressPart(compressor: Transform, part: Uint8Array): Promise<Buffer> {
  const pieces: Buffer[] = [];
  return await new Promise((resolve, reject) => {
    compressor.on("data", (piece: Buffer) => pieces.push(piece));
    compressor.on("end", () => resolve(joined(pieces)));
    compressor.on("error", reject);
    compressor.end(part);
  });
}

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
