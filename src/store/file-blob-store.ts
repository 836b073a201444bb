import { createHash } from "node:crypto";
import { link, mkdir, open, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BlobMissingError, CorruptBlobError, type BlobStore, type ByteStream } from "../content/blob-store.ts";
import type { Digest } from "../content/digest.ts";
import type { OnGrowing } from "../content/growing-blob.ts";
import { verified } from "../content/verified.ts";
import { systemClock } from "../host/clock.ts";
import { mayNotWrite } from "../host/may-not-write.ts";
import { randomId } from "../host/random.ts";
import { readAhead } from "../host/read-ahead.ts";
import { writeAllTo } from "../host/replace-file.ts";
import { GrowingFile } from "./growing-file.ts";

/** Keeps files from being taken away by whatever process for as long as it lasts. See syscall/file-leases.ts. */
export interface BlobLeases {
  /** False where the file is not there, or is just being taken away. */
  hold(path: string): boolean;
  moved(from: string, to: string): void;
  release(path: string): void;
}

export interface StoredBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** A BlobStore that can also take in bytes whose digest nobody knows yet. */
export interface FileBlobStore extends BlobStore {
  /** `onGrowing` may read the bytes meanwhile. */
  ingest(bytes: ByteStream, signal: AbortSignal, onGrowing?: OnGrowing): Promise<StoredBlob>;
  /** Undefined when the blob is not here. */
  sizeBytes(digest: Digest): Promise<number | undefined>;
}

/**
 * One file for each blob, named after its digest. Several processes may write the same blob
 * at once: each writes a file of its own and renames it into place, and equal names have equal bytes.
 * `incoming` gives, when first asked, a directory of this process on the same file system: what is not whole
 * yet lies there, and is for the giver to take away should we be killed. What was once found or written here is held.
 */
export async function openFileBlobStore(directory: string, incoming: () => string, leases: BlobLeases): Promise<FileBlobStore> {
  await mkdir(join(directory, "sha256"), { recursive: true });
  const pathOf = (digest: Digest): string => join(directory, "sha256", digest.slice("sha256:".length));

  return {
    async *read(digest, signal, chunks) {
      const sizeBytes = await heldSize(pathOf(digest), leases);
      if (sizeBytes === undefined) throw new BlobMissingError(digest);
      try {
        yield* verified(readFile(pathOf(digest), chunks === "lent", signal), digest, sizeBytes);
      } catch (error) {
        if (!(error instanceof CorruptBlobError)) throw error;
        // Whoever asks next gets it from where it came from, or makes it anew.
        leases.release(pathOf(digest));
        await rm(pathOf(digest), { force: true });
        throw new CorruptBlobError(`${pathOf(digest)} was damaged on the disk, and is now removed; the next build makes it anew`, "damaged", { cause: error });
      }
    },
    async write(digest, bytes, signal) {
      if (leases.hold(pathOf(digest))) return;
      await receive({ incoming: incoming(), leases }, bytes, signal, (found) => {
        if (found !== digest) throw new CorruptBlobError(`${digest}: bytes do not match, they are ${found}`);
        return pathOf(digest);
      });
    },
    async missing(digests) {
      return new Set([...digests].filter((digest) => !leases.hold(pathOf(digest))));
    },
    ingest: (bytes, signal, onGrowing) => receive({ incoming: incoming(), leases, onGrowing }, bytes, signal, pathOf),
    sizeBytes: (digest) => heldSize(pathOf(digest), leases),
  };
}

async function* readFile(path: string, lent: boolean, signal: AbortSignal): ByteStream {
  await using file = await open(path, "r");
  for await (const piece of readAhead({ fd: file.fd, offsetBytes: 0, sizeBytes: Infinity, lent })) {
    signal.throwIfAborted();
    yield piece;
  }
}

async function heldSize(path: string, leases: BlobLeases): Promise<number | undefined> {
  if (!leases.hold(path)) return undefined;
  const now = systemClock.now();
  // The time of a blob is that of its last use; whoever may read it only cannot tell.
  await utimes(path, now, now).catch((error: unknown) => {
    if (!mayNotWrite(error)) throw error;
  });
  return (await stat(path)).size;
}

interface Receiving {
  readonly incoming: string;
  readonly leases: BlobLeases;
  readonly onGrowing?: OnGrowing | undefined;
}

/** Between two tries, while another process takes away the old one. */
const TAKEN_AWAY_POLL_MS = 5;

/** Gives a whole file its name, held before others can see it. A file that has the name stays: it may be held, and equal names have equal bytes. */
async function put(path: string, target: string, leases: BlobLeases): Promise<void> {
  leases.hold(path);
  while (!leases.hold(target)) {
    try {
      await link(path, target);
      leases.moved(path, target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      await sleep(TAKEN_AWAY_POLL_MS);
    }
  }
  leases.release(path);
  await rm(path);
}

/** Writes to a file of its own, asks `place` where it belongs now that the digest is known, and moves it there. */
async function receive({ incoming, leases, onGrowing }: Receiving, bytes: ByteStream, signal: AbortSignal, place: (digest: Digest) => string): Promise<StoredBlob> {
  const path = join(incoming, randomId());
  const growing = new GrowingFile(path);
  const hash = createHash("sha256");
  let sizeBytes = 0;
  try {
    await using file = await open(path, "wx");

    onGrowing?.(growing);
    for await (const chunk of bytes) {
      signal.throwIfAborted();
      hash.update(chunk);
      await writeAllTo(file, chunk);
      sizeBytes += chunk.byteLength;
      growing.grown(sizeBytes);
    }
    // digest("hex") is 64 characters of lower-case hex by construction.
    const digest = `sha256:${hash.digest("hex")}` as Digest;
    await put(path, place(digest), leases);
    growing.completed(place(digest), digest);
    return { digest, sizeBytes };
  } catch (error) {
    growing.failed(error);
    await rm(path, { force: true });
    throw error;
  }
}
