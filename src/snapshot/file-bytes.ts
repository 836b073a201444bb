import { closeSync, openSync, readSync } from "node:fs";
import { CorruptBlobError, type ByteStream, type ChunkOwner } from "../content/blob-store.ts";
import { TimeSlice } from "../content/time-slice.ts";
import { readAhead } from "../host/read-ahead.ts";

/** Read in one call that blocks: some ten microseconds, less than handing it to another thread. */
const SMALL_BYTES = 64 * 1024;

/** One for the process: it is its event loop that is shared, by however many readers. */
const slice = new TimeSlice();

export interface FileRange {
  readonly fd: number;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  /** For messages. */
  readonly name: string;
}

/** A part of an open file. Throws CorruptBlobError where the file ends before. */
export async function* readRange({ fd, offsetBytes, sizeBytes, name }: FileRange, signal: AbortSignal, chunks: ChunkOwner = "kept"): ByteStream {
  signal.throwIfAborted();
  let missing = sizeBytes;
  for await (const piece of sizeBytes <= SMALL_BYTES ? readSmall(fd, offsetBytes, sizeBytes) : readAhead({ fd, offsetBytes, sizeBytes, lent: chunks === "lent" })) {
    missing -= piece.byteLength;
    if (slice.isSpent) await slice.renew(signal);
    signal.throwIfAborted();
    yield piece;
  }
  if (missing > 0) throw new CorruptBlobError(`${name}: ends ${missing} bytes too early`, "damaged");
}

function* readSmall(fd: number, offsetBytes: number, sizeBytes: number): Iterable<Uint8Array> {
  const buffer = Buffer.allocUnsafe(sizeBytes);
  const bytesRead = readSync(fd, buffer, 0, sizeBytes, offsetBytes);
  if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
}

/** A whole file of known size. */
export async function* readFile({ path, sizeBytes }: { readonly path: string; readonly sizeBytes: number }, signal: AbortSignal, chunks: ChunkOwner = "kept"): ByteStream {
  const fd = openSync(path, "r");
  try {
    yield* readRange({ fd, offsetBytes: 0, sizeBytes, name: path }, signal, chunks);
  } finally {
    closeSync(fd);
  }
}
