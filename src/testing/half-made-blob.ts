import assert from "node:assert/strict";
import { mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GrowingBlob } from "../content/growing-blob.ts";
import { openFileBlobStore } from "../store/file-blob-store.ts";
import { plainLeases } from "./plain-leases.ts";

const CHUNK_BYTES = 1024 * 1024;

/** A blob of which the first part is made, and the rest when the test says so. */
export interface HalfMadeBlob {
  readonly blob: GrowingBlob;
  /** Makes the rest of it. */
  readonly end: () => Promise<void>;
  /** Stops its making. */
  readonly fail: () => Promise<void>;
}

/** A store on disk that takes its time. */
export interface HalfMadeBlobs extends Disposable {
  /** `firstBytes` in whole MiB. */
  make(bytes: Uint8Array, firstBytes: number): Promise<HalfMadeBlob>;
}

export async function openHalfMadeBlobs(): Promise<HalfMadeBlobs> {
  const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-half-made-"));
  const store = await openFileBlobStore(join(scratch.path, "blobs"), () => scratch.path, plainLeases);
  return {
    async make(bytes, firstBytes) {
      const rest = Promise.withResolvers<void>();
      const begun = Promise.withResolvers<GrowingBlob>();
      async function* source(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.byteLength; at += CHUNK_BYTES) {
          if (at === firstBytes) await rest.promise;
          yield bytes.subarray(at, at + CHUNK_BYTES);
        }
      }
      const made = store.ingest(source(), AbortSignal.timeout(60_000), begun.resolve);
      // Awaited below; a test may come to its end before.
      made.catch(() => undefined);
      return {
        blob: await begun.promise,
        async end() {
          rest.resolve();
          await made;
        },
        async fail() {
          rest.reject(new Error("no more"));
          await assert.rejects(made, { message: "no more" });
        },
      };
    },
    [Symbol.dispose]: () => scratch.remove(),
  };
}
