import { collectBytes } from "../../content/bytes.ts";
import { DamagedFileError } from "../read-file.ts";
import type { ScanFile } from "../scan-tree.ts";

/** Bytes of a file that must be there. Throws DamagedFileError where they are not, or are more than `limitBytes`. */
export async function readPiece(file: ScanFile, part: { readonly offsetBytes: number; readonly sizeBytes: number; readonly limitBytes: number }, signal: AbortSignal): Promise<Buffer> {
  const { offsetBytes, sizeBytes, limitBytes } = part;
  if (sizeBytes > limitBytes) throw new DamagedFileError(`a part of ${sizeBytes} bytes, more than ${limitBytes}`);
  if (offsetBytes + sizeBytes > file.sizeBytes) throw new DamagedFileError("it ends too early");
  if (sizeBytes === 0) return Buffer.alloc(0);
  return await collectBytes(file.readPart({ offsetBytes, sizeBytes }, signal), sizeBytes);
}
