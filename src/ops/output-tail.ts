/** As much of a step's output as a message can show. */
const TAIL_BYTES_MAX = 16 * 1024;

/** Keeps the end of a stream, whole lines of it where there are any. */
export class OutputTail {
  #chunks: Uint8Array[] = [];
  #sizeBytes = 0;

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.byteLength;
    // Cut only when twice too long, so that the cost for each byte stays the same.
    if (this.#sizeBytes > 2 * TAIL_BYTES_MAX) this.#cut();
  }

  text(): string {
    this.#cut();
    return Buffer.concat(this.#chunks).toString("utf8");
  }

  #cut(): void {
    const all = Buffer.concat(this.#chunks);
    if (all.byteLength > TAIL_BYTES_MAX) {
      const tail = all.subarray(all.byteLength - TAIL_BYTES_MAX);
      const lineEnd = tail.indexOf(0x0a);
      this.#chunks = [Buffer.from(tail.subarray(lineEnd + 1))];
    } else this.#chunks = [all];
    this.#sizeBytes = this.#chunks[0]?.byteLength ?? 0;
  }
}
