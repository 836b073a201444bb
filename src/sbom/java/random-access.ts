import { readPiece } from "../binary/read-piece.ts";
import type { ScanFile } from "../scan-tree.ts";

/** Bytes of which any part can be had. */
export interface RandomAccess {
  readonly sizeBytes: number;
  /** Throws DamagedFileError where there are not so many. The caller bounds what it asks for. */
  read(offsetBytes: number, sizeBytes: number): Promise<Buffer>;
}

export function accessFile(file: ScanFile, signal: AbortSignal): RandomAccess {
  return { sizeBytes: file.sizeBytes, read: (offsetBytes, sizeBytes) => readPiece(file, { offsetBytes, sizeBytes, limitBytes: sizeBytes }, signal) };
}
