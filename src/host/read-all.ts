/** What is written to us at most: a Dockerfile is text that people write. */
const INPUT_BYTES_MAX = 16 * 1024 * 1024;

/** Reads a stream to its end. Throws RangeError when it does not end in time. */
export async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > INPUT_BYTES_MAX) throw new RangeError(`more than ${INPUT_BYTES_MAX} bytes on standard input`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
