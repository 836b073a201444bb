import { gunzip } from "node:zlib";
import { promisify } from "node:util";
import { GrpcCode, GrpcError } from "./grpc-error.ts";

/** Go's runtime as BuildKit sets it up takes no more, and sends no more. */
export const MESSAGE_BYTES_MAX: number = 16 * 1024 * 1024;

/** A flag byte and a length of four bytes (gRPC over HTTP/2, "Length-Prefixed-Message"). */
const PREFIX_BYTES = 5;
const COMPRESSED = 1;

const decompress = promisify(gunzip);

/** The prefix and the message: to be written one after the other. Throws GrpcError for a message that nobody would take. */
export function framed(message: Uint8Array): readonly [prefix: Uint8Array, message: Uint8Array] {
  if (message.byteLength > MESSAGE_BYTES_MAX) throw tooLarge(message.byteLength);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.byteLength, 1);
  return [prefix, message];
}

/**
 * Messages out of the bytes of one call, in whatever chunks they come. `encoding` is what the caller says in
 * `grpc-encoding`. Throws GrpcError for what is too long, compressed in a way that was not said, or cut off.
 */
export async function* unframed(chunks: AsyncIterable<Uint8Array>, encoding: string): AsyncIterable<Uint8Array> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of chunks) {
    held.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    heldBytes += chunk.byteLength;
    while (heldBytes >= PREFIX_BYTES) {
      // Few chunks: a message is in one or two of them, or it is large and worth the copy.
      const all = held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held);
      held = [all];
      const sizeBytes = all.readUInt32BE(1);
      if (sizeBytes > MESSAGE_BYTES_MAX) throw tooLarge(sizeBytes);
      const end = PREFIX_BYTES + sizeBytes;
      if (heldBytes < end) break;
      yield await plain(all.subarray(PREFIX_BYTES, end), all[0] === COMPRESSED, encoding);
      held = [all.subarray(end)];
      heldBytes -= end;
    }
  }
  if (heldBytes > 0) throw new GrpcError(GrpcCode.internal, "the call ended within a message");
}

async function plain(message: Buffer, isCompressed: boolean, encoding: string): Promise<Uint8Array> {
  if (!isCompressed) return message;
  if (encoding !== "gzip") throw new GrpcError(GrpcCode.unimplemented, `messages compressed with ${JSON.stringify(encoding)} are not supported`);
  try {
    return await decompress(message, { maxOutputLength: MESSAGE_BYTES_MAX });
  } catch (error) {
    throw new GrpcError(GrpcCode.internal, "a message cannot be decompressed", [], { cause: error });
  }
}

function tooLarge(sizeBytes: number): GrpcError {
  return new GrpcError(GrpcCode.resourceExhausted, `a message of ${sizeBytes} bytes is larger than ${MESSAGE_BYTES_MAX}`);
}
