import { Duplex, PassThrough, type Readable } from "node:stream";

/** The standard input and output of a process as one connection. */
export class ProcessConnection extends Duplex {
  /** To be given to the process to read. */
  readonly input: Readable;
  readonly #toProcess = new PassThrough({ highWaterMark: 1024 * 1024 });

  constructor() {
    super({ allowHalfOpen: false });
    this.input = this.#toProcess;
    this.#toProcess.on("error", () => this.destroy());
  }

  /** What the process has written. */
  received(chunk: Uint8Array): void {
    if (!this.destroyed) this.push(chunk);
  }

  /** The process has ended. */
  ended(): void {
    if (!this.destroyed) this.push(null);
  }

  override _read(): void {
    // The process's pipe is read as it is written: HTTP/2's own windows bound what is on the way.
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#toProcess.write(chunk)) done();
    else this.#toProcess.once("drain", () => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#toProcess.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#toProcess.destroy();
    done(error);
  }
}
