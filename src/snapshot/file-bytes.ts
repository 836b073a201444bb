import { closeSync, openSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
import { CorruptBlobError, type ByteStream } from "../content/blob-store.ts";
import { TimeSlice } from "../content/time-slice.ts";

const readAsync = promisify(read);

/** Read in one call that blocks: some ten microseconds, less than handing it to another thread. */
const SMALL_BYTES = 64 * 1024;

/** Reads below this size cost twice the time for sha256 (measured). */
const READ_BYTES = 1024 * 1024;

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
export async function* readRange(range: FileRange, signal: AbortSignal): ByteStream {
  let missing = range.sizeBytes;
  for (let at = range.offsetBytes; missing > 0; ) {
    signal.throwIfAborted();
    const buffer = Buffer.allocUnsafe(Math.min(missing, READ_BYTES));
    const bytesRead = missing <= SMALL_BYTES ? readSync(range.fd, buffer, 0, buffer.length, at) : (await readAsync(range.fd, buffer, 0, buffer.length, at)).bytesRead;
    if (bytesRead === 0) throw new CorruptBlobError(`${range.name}: ends ${missing} bytes too early`, "damaged");
    at += bytesRead;
    missing -= bytesRead;
    if (slice.isSpent) await slice.renew(signal);
    yield buffer.subarray(0, bytesRead);
  }
}

/** A whole file of known size. */
export async function* readFile(path: string, sizeBytes: number, signal: AbortSignal): ByteStream {
  const fd = openSync(path, "r");
  try {
    yield* readRange({ fd, offsetBytes: 0, sizeBytes, name: path }, signal);
  } finally {
    closeSync(fd);
  }
}
