import { createHash, type Hash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import type { DiffId } from "../content/digest.ts";

/** Written in one call. */
const WRITE_BYTES = 1024 * 1024;

/** An archive that is being written: gathered into large writes, its digest taken in passing. */
export class ArchiveFile implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #hash: Hash = createHash("sha256");
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  /** Bytes appended so far. */
  sizeBytes = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<ArchiveFile> {
    return new ArchiveFile(await open(path, "wx"));
  }

  /** Keeps the chunk until it is written: it must not change. */
  append(chunk: Uint8Array): Promise<void> | undefined {
    this.#hash.update(chunk);
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.byteLength;
    this.sizeBytes += chunk.byteLength;
    return this.#gatheredBytes >= WRITE_BYTES ? this.#flush() : undefined;
  }

  /** Writes what is left, and tells the digest of the whole. */
  async finish(): Promise<DiffId> {
    await this.#flush();
    // digest("hex") is 64 characters of lower-case hex by construction.
    return `sha256:${this.#hash.digest("hex")}` as DiffId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #flush(): Promise<void> {
    const gathered = this.#gathered;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    // Written to the end by writeFile, which a single writev need not be.
    if (gathered.length > 0) await this.#file.writeFile(gathered.length === 1 && gathered[0] !== undefined ? gathered[0] : Buffer.concat(gathered));
  }
}
