import type { FileBlobStore } from "./file-blob-store.ts";

/** A store that also has what another one has. What is written goes into this one. */
export function borrowingBlobStore(store: FileBlobStore, lender: FileBlobStore): FileBlobStore {
  return {
    async *read(digest, signal, chunks) {
      const isHere = (await store.missing(new Set([digest]), signal)).size === 0;
      yield* (isHere ? store : lender).read(digest, signal, chunks);
    },
    write: (digest, bytes, signal) => store.write(digest, bytes, signal),
    missing: async (digests, signal) => await lender.missing(await store.missing(digests, signal), signal),
    ingest: (bytes, signal, onGrowing) => store.ingest(bytes, signal, onGrowing),
    sizeBytes: async (digest) => (await store.sizeBytes(digest)) ?? (await lender.sizeBytes(digest)),
  };
}
