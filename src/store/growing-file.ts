import { open, type FileHandle } from "node:fs/promises";
import type { ByteStream } from "../content/blob-store.ts";
import type { Digest } from "../content/digest.ts";
import type { GrowingBlob } from "../content/growing-blob.ts";

/** Held in memory for each reader. */
const READ_SIZE_BYTES = 256 * 1024;

/** A file that is being written, for those who read it meanwhile: what they read has just been written, and lies in memory. */
export class GrowingFile implements GrowingBlob {
  #path: string;
  #sizeBytes = 0;
  #digest: Digest | undefined;
  #failure: { readonly error: unknown } | undefined;
  #change = Promise.withResolvers<void>();

  constructor(path: string) {
    this.#path = path;
  }

  get digest(): Digest | undefined {
    return this.#digest;
  }

  /** So many bytes are in the file by now. */
  grown(sizeBytes: number): void {
    this.#sizeBytes = sizeBytes;
    this.#changed();
  }

  /** All is there, under the name that it will keep. */
  completed(path: string, digest: Digest): void {
    this.#path = path;
    this.#digest = digest;
    this.#changed();
  }

  failed(error: unknown): void {
    this.#failure = { error };
    this.#changed();
  }

  async exceeds(sizeBytes: number): Promise<boolean> {
    while (this.#sizeBytes <= sizeBytes && !this.#hasEnded()) await this.#change.promise;
    return this.#sizeBytes > sizeBytes && this.#failure === undefined;
  }

  async *read(signal: AbortSignal): ByteStream {
    await using file = await this.#open(signal);
    const lent = Buffer.allocUnsafeSlow(READ_SIZE_BYTES);
    for (let at = 0; ; ) {
      signal.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure.error;
      if (at < this.#sizeBytes) {
        const { bytesRead } = await file.read(lent, 0, Math.min(READ_SIZE_BYTES, this.#sizeBytes - at), at);
        if (bytesRead === 0) throw new RangeError(`${this.#path} became shorter`);
        yield lent.subarray(0, bytesRead);
        at += bytesRead;
      } else if (this.#hasEnded()) return;
      else await this.#nextChange(signal);
    }
  }

  async #open(signal: AbortSignal): Promise<FileHandle> {
    for (;;) {
      const path = this.#path;
      try {
        return await open(path, "r");
      } catch (error) {
        // It has just got the name that it keeps, of which we are about to hear.
        if ((error as NodeJS.ErrnoException).code !== "ENOENT" || (path === this.#path && this.#hasEnded())) throw error;
        if (path === this.#path) await this.#nextChange(signal);
      }
    }
  }

  #hasEnded(): boolean {
    return this.#digest !== undefined || this.#failure !== undefined;
  }

  #changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  async #nextChange(signal: AbortSignal): Promise<void> {
    const stop = Promise.withResolvers<void>();
    const onAbort = (): void => stop.resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    await Promise.race([this.#change.promise, stop.promise]);
    signal.removeEventListener("abort", onAbort);
    signal.throwIfAborted();
  }
}
