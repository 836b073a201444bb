import { createHash, hash, type Hash } from "node:crypto";
import type { Digest } from "./digest.ts";

/** sha256 of content whose size is announced: taken in one call where it comes in one piece, as most files do. Keeps no chunk. */
export class SizedHash {
  readonly #sizeBytes: number;
  #seenBytes = 0;
  #whole: string | undefined;
  #sum: Hash | undefined;

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
  }

  /** False where there is more than was announced; such content has no digest. */
  update(chunk: Uint8Array): boolean {
    this.#seenBytes += chunk.byteLength;
    if (this.#seenBytes > this.#sizeBytes) return false;
    if (chunk.byteLength === this.#sizeBytes) this.#whole = hash("sha256", chunk, "hex");
    else (this.#sum ??= createHash("sha256")).update(chunk);
    return true;
  }

  /** Undefined where there was less or more than was announced. */
  digest(): Digest | undefined {
    if (this.#seenBytes !== this.#sizeBytes) return undefined;
    const hex = this.#whole ?? this.#sum?.digest("hex") ?? hash("sha256", "", "hex");
    // 64 characters of lower-case hex by construction.
    return `sha256:${hex}` as Digest;
  }
}
