import type { ByteStream } from "../content/blob-store.ts";

/** Hands out a stream in pieces of asked size, without copying where a piece lies within one chunk. */
export class ChunkReader implements AsyncDisposable {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #current: Buffer = Buffer.alloc(0);
  #at = 0;
  #ended = false;
  /** Bytes handed out or skipped so far. */
  offsetBytes = 0;

  constructor(bytes: ByteStream) {
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  /** What lies ready, up to `limitBytes`; undefined when nothing does, and `fill` must be called. */
  takeReady(limitBytes: number): Buffer | undefined {
    const ready = this.#current.length - this.#at;
    if (ready === 0) return undefined;
    return this.#take(Math.min(ready, limitBytes));
  }

  /** Exactly `sizeBytes` if so many lie ready in one piece. */
  takeExactlyReady(sizeBytes: number): Buffer | undefined {
    return this.#current.length - this.#at >= sizeBytes ? this.#take(sizeBytes) : undefined;
  }

  /** Waits for more bytes once none lie ready; false at the end of the stream. */
  async fill(): Promise<boolean> {
    while (this.#at === this.#current.length) {
      if (this.#ended) return false;
      const next = await this.#chunks.next();
      if (next.done === true) {
        this.#ended = true;
        return false;
      }
      this.#current = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
      this.#at = 0;
    }
    return true;
  }

  /** Up to `sizeBytes`, fewer only at the end of the stream. */
  async take(sizeBytes: number): Promise<Buffer> {
    const whole = this.takeExactlyReady(sizeBytes);
    if (whole !== undefined) return whole;
    const pieces: Buffer[] = [];
    let missing = sizeBytes;
    while (missing > 0 && (await this.fill())) {
      const piece = this.takeReady(missing);
      if (piece === undefined) continue;
      pieces.push(piece);
      missing -= piece.length;
    }
    return Buffer.concat(pieces);
  }

  /** Puts bytes just taken in front of what is still to come. */
  giveBack(bytes: Buffer): void {
    this.offsetBytes -= bytes.length;
    const before = this.#at - bytes.length;
    if (before >= 0 && bytes.buffer === this.#current.buffer && bytes.byteOffset === this.#current.byteOffset + before) {
      this.#at = before;
      return;
    }
    this.#current = Buffer.concat([bytes, this.#current.subarray(this.#at)]);
    this.#at = 0;
  }

  /** All that is still to come. */
  async *rest(): ByteStream {
    while (await this.fill()) {
      const piece = this.takeReady(Number.MAX_SAFE_INTEGER);
      if (piece !== undefined) yield piece;
    }
  }

  /** Returns how many of `sizeBytes` there were. */
  async skip(sizeBytes: number): Promise<number> {
    let missing = sizeBytes;
    while (missing > 0 && (await this.fill())) missing -= this.takeReady(missing)?.length ?? 0;
    return sizeBytes - missing;
  }

  /** Lets the source clean up, wherever reading stopped. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.#chunks.return?.();
    this.#ended = true;
  }

  #take(sizeBytes: number): Buffer {
    const piece = this.#current.subarray(this.#at, this.#at + sizeBytes);
    this.#at += sizeBytes;
    this.offsetBytes += sizeBytes;
    return piece;
  }
}
