import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { BlobMissingError, CorruptBlobError, type BlobStore, type ByteStream } from "../content/blob-store.ts";
import type { Digest } from "../content/digest.ts";
import { verified } from "../content/verified.ts";
import { randomId } from "../host/random.ts";

/** Reads below this size cost twice the time for sha256 (measured). */
const READ_SIZE_BYTES = 1024 * 1024;

export interface StoredBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** A BlobStore that can also take in bytes whose digest nobody knows yet. */
export interface FileBlobStore extends BlobStore {
  ingest(bytes: ByteStream, signal: AbortSignal): Promise<StoredBlob>;
  /** Undefined when the blob is not here. */
  sizeBytes(digest: Digest): Promise<number | undefined>;
}

/**
 * One file for each blob, named after its digest. Several processes may write the same blob
 * at once: each writes a file of its own and renames it into place, and equal names have equal bytes.
 * `incoming` gives, when first asked, a directory of this process on the same file system: what is not whole
 * yet lies there, and is for the giver to take away should we be killed.
 */
export async function openFileBlobStore(directory: string, incoming: () => string): Promise<FileBlobStore> {
  await mkdir(join(directory, "sha256"), { recursive: true });
  const pathOf = (digest: Digest): string => join(directory, "sha256", digest.slice("sha256:".length));

  return {
    async *read(digest, signal) {
      const sizeBytes = await sizeOf(pathOf(digest));
      if (sizeBytes === undefined) throw new BlobMissingError(digest);
      try {
        yield* verified(createReadStream(pathOf(digest), { highWaterMark: READ_SIZE_BYTES, signal }), digest, sizeBytes);
      } catch (error) {
        if (!(error instanceof CorruptBlobError)) throw error;
        // Whoever asks next gets it from where it came from, or makes it anew.
        await rm(pathOf(digest), { force: true });
        throw new CorruptBlobError(`${pathOf(digest)} was damaged on the disk, and is now removed; the next build makes it anew`, "damaged", { cause: error });
      }
    },
    async write(digest, bytes, signal) {
      if (existsSync(pathOf(digest))) return;
      await receive(incoming(), bytes, signal, (found) => {
        if (found !== digest) throw new CorruptBlobError(`${digest}: bytes do not match, they are ${found}`);
        return pathOf(digest);
      });
    },
    async missing(digests) {
      return new Set([...digests].filter((digest) => !existsSync(pathOf(digest))));
    },
    ingest: (bytes, signal) => receive(incoming(), bytes, signal, pathOf),
    sizeBytes: (digest) => sizeOf(pathOf(digest)),
  };
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Writes to a file of its own, asks `place` where it belongs now that the digest is known, and moves it there. */
async function receive(incoming: string, bytes: ByteStream, signal: AbortSignal, place: (digest: Digest) => string): Promise<StoredBlob> {
  const path = join(incoming, randomId());
  const hash = createHash("sha256");
  let sizeBytes = 0;
  try {
    await using file = await open(path, "wx");

    for await (const chunk of bytes) {
      signal.throwIfAborted();
      hash.update(chunk);
      await file.writeFile(chunk);
      sizeBytes += chunk.byteLength;
    }
    // digest("hex") is 64 characters of lower-case hex by construction.
    const digest = `sha256:${hash.digest("hex")}` as Digest;
    await rename(path, place(digest));
    return { digest, sizeBytes };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}
