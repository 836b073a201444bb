/** What is written to us at most: a Dockerfile is text that people write. */
const INPUT_BYTES_MAX = 16 * 1024 * 1024;

/** Somebody gave more than what can be meant. */
export class InputTooLargeError extends RangeError {
  override readonly name = "InputTooLargeError";
  readonly code = "usage";
  readonly retryable = false;
}

/** Reads a stream to its end. Throws InputTooLargeError when it does not end in time. */
export async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > INPUT_BYTES_MAX) throw new InputTooLargeError(`more than ${INPUT_BYTES_MAX} bytes on standard input: what is read from there is text that people write`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
