import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { ArchiveError } from "../archive/archive-error.ts";
import { readTar } from "../archive/tar-reader.ts";
import type { ByteStream } from "../content/blob-store.ts";

/** Files of an OCI image layout by their names in it (`blobs/sha256/…`), in a directory or in a tar. */
export interface LayoutFiles extends AsyncDisposable {
  /** In bytes; undefined where there is no such file. */
  size(name: string): Promise<number | undefined>;
  /** Only for files that are there. */
  read(name: string): ByteStream;
}

/** Larger reads make fewer turns; layers are long. */
const READ_BYTES = 256 * 1024;

/** A directory, or a tar of one such as `type=oci` writes; undefined where there is neither. A tar is read through once, for its table. */
export async function openLayoutFiles(path: string): Promise<LayoutFiles | undefined> {
  const found = await stat(path).catch(absent);
  if (found === undefined) return undefined;
  return found.isDirectory() ? directoryFiles(path) : await tarFiles(path);
}

function directoryFiles(directory: string): LayoutFiles {
  return {
    async size(name) {
      const found = await stat(join(directory, name)).catch(absent);
      return found?.isFile() === true ? found.size : undefined;
    },
    read: (name) => createReadStream(join(directory, name), { highWaterMark: READ_BYTES }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

interface Place {
  readonly start: number;
  readonly sizeBytes: number;
}

async function tarFiles(path: string): Promise<LayoutFiles> {
  const places = new Map<string, Place>();
  for await (const { entry, contentOffsetBytes, pieces } of readTar(createReadStream(path, { highWaterMark: READ_BYTES }))) {
    // Blobs are read from where they lie.
    if (pieces !== undefined) throw new ArchiveError("unsupported", `${entry.path}: sparse files are not supported here; write the archive without --sparse`);
    if (entry.kind === "file") places.set(entry.path, { start: contentOffsetBytes, sizeBytes: entry.sizeBytes });
  }
  const handle = await open(path);
  return {
    size: (name) => Promise.resolve(places.get(name)?.sizeBytes),
    async *read(name) {
      const { start, sizeBytes } = places.get(name) ?? { start: 0, sizeBytes: 0 };
      if (sizeBytes > 0) yield* handle.createReadStream({ start, end: start + sizeBytes - 1, autoClose: false, highWaterMark: READ_BYTES });
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
  throw error;
}
