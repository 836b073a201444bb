import { createHash, type Hash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import type { DiffId } from "../content/digest.ts";

/** Written, and digested, in one call. */
const PIECE_BYTES = 1024 * 1024;

/**
 * An archive that is being written: gathered into large pieces, its digest taken in passing. While one piece is on its way
 * to disk, the next is gathered, in the only two buffers that there are, however large the archive is.
 */
export class ArchiveFile implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #hash: Hash = createHash("sha256");
  #gathering: Buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #gatheredBytes = 0;
  /** Undefined until the first is full: most archives are smaller. */
  #spare: Buffer | undefined;
  #writing: Promise<void> | undefined;
  /** Bytes appended so far. */
  sizeBytes = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Of a file that must not be there, unless flags of open(2) say otherwise. */
  static async create(path: string, flags = "wx"): Promise<ArchiveFile> {
    return new ArchiveFile(await open(path, flags));
  }

  /** The chunk is the caller's again when that is done; undefined where it is done at once. */
  append(chunk: Uint8Array): Promise<void> | undefined {
    this.sizeBytes += chunk.byteLength;
    if (chunk.byteLength > PIECE_BYTES - this.#gatheredBytes) return this.#appendLarge(chunk);
    this.#gathering.set(chunk, this.#gatheredBytes);
    this.#gatheredBytes += chunk.byteLength;
    return undefined;
  }

  /** Writes what is left, and tells the digest of the whole. */
  async finish(): Promise<DiffId> {
    await this.#flush();
    await this.#writing;
    // digest("hex") is 64 characters of lower-case hex by construction.
    return `sha256:${this.#hash.digest("hex")}` as DiffId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Whoever appends has been told of a failure, or has failed for a reason of its own.
    await this.#writing?.catch(() => undefined);
    await this.#file.close();
  }

  async #appendLarge(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.byteLength; ) {
      const part = chunk.subarray(at, at + PIECE_BYTES - this.#gatheredBytes);
      this.#gathering.set(part, this.#gatheredBytes);
      this.#gatheredBytes += part.byteLength;
      at += part.byteLength;
      if (this.#gatheredBytes === PIECE_BYTES) await this.#flush();
    }
  }

  /** Hands on what was gathered, once what was handed on before is written. */
  async #flush(): Promise<void> {
    const piece = this.#gathering.subarray(0, this.#gatheredBytes);
    if (piece.byteLength === 0) return;
    this.#hash.update(piece);
    await this.#writing;
    // Written to the end by writeFile, which a single write need not be.
    this.#writing = this.#file.writeFile(piece);
    this.#writing.catch(() => undefined); // Told by the next that waits for it.
    [this.#gathering, this.#spare] = [this.#spare ?? Buffer.allocUnsafeSlow(PIECE_BYTES), this.#gathering];
    this.#gatheredBytes = 0;
  }
}
