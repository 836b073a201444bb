import { open, type FileHandle } from "node:fs/promises";
import type { TarMember } from "../archive/tar-reader.ts";
import type { LayerIndex } from "./layer-index.ts";

/** Copied in one go. */
const COPY_BYTES = 1024 * 1024;

/**
 * The sparse files of an archive that is kept as it is: each once more behind it, whole, with holes where the disk can have them. Contents are
 * read from one place of a file, and that archive has these in pieces.
 */
export class SparseTail {
  readonly #files: Array<Pick<TarMember, "contentOffsetBytes"> & { readonly pieces: NonNullable<TarMember["pieces"]>; readonly at: number }> = [];
  #sizeBytes = 0;

  /** Where the content will be, as long as nobody knows where the archive ends: less than nothing. */
  place({ entry, contentOffsetBytes, pieces }: TarMember): number {
    if (entry.kind !== "file") return 0;
    if (pieces === undefined) return contentOffsetBytes;
    const at = this.#sizeBytes;
    this.#sizeBytes += entry.sizeBytes;
    this.#files.push({ contentOffsetBytes, pieces, at });
    return -1 - at;
  }

  /** The index as it is once the end is known. */
  settled(index: LayerIndex): LayerIndex {
    if (this.#files.length === 0) return index;
    return { ...index, offsets: index.offsets.map((offset) => (offset < 0 ? index.tarBytes - 1 - offset : offset)) };
  }

  /** Behind the archive, which is there by now. */
  async write(path: string, tarBytes: number): Promise<void> {
    if (this.#files.length === 0) return;
    await using file = await open(path, "r+");
    await file.truncate(tarBytes + this.#sizeBytes);
    const buffer = Buffer.allocUnsafeSlow(COPY_BYTES);
    for (const { contentOffsetBytes, pieces, at } of this.#files) {
      let from = contentOffsetBytes;
      for (const { offsetBytes, sizeBytes } of pieces) {
        await copyWithin(file, { from, to: tarBytes + at + offsetBytes, sizeBytes }, buffer);
        from += sizeBytes;
      }
    }
  }
}

async function copyWithin(file: FileHandle, { from, to, sizeBytes }: { readonly from: number; readonly to: number; readonly sizeBytes: number }, buffer: Buffer): Promise<void> {
  for (let copied = 0; copied < sizeBytes; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, sizeBytes - copied), from + copied);
    for (let written = 0; written < bytesRead; ) written += (await file.write(buffer, written, bytesRead - written, to + copied + written)).bytesWritten;
    copied += bytesRead;
  }
}
