import type { ByteStream } from "../content/blob-store.ts";

/** `bytes` in chunks that are lent, in memory that is overwritten before the next one comes and at the end. */
export async function* lent(bytes: Uint8Array, chunkBytes: number): ByteStream {
  const memory = Buffer.alloc(chunkBytes);
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) {
    const piece = bytes.subarray(at, at + chunkBytes);
    memory.set(piece);
    yield memory.subarray(0, piece.byteLength);
    memory.fill(0xee);
  }
}
