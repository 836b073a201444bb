import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { randomId } from "./random.ts";
import { eachUntilAborted } from "./until-aborted.ts";

export interface NewFile {
  /** Less what the umask takes; 0o666 where nothing is said. */
  readonly mode?: number;
}

/**
 * Gives `path` a file of these bytes, once it is whole: who reads it at the same time finds the old one or the new one, and a
 * failure leaves what was there. Chunks may be lent: each is written before the next is asked for.
 */
export async function replaceFile(path: string, bytes: AsyncIterable<Uint8Array>, form: NewFile, signal: AbortSignal): Promise<void> {
  const partial = `${path}.${randomId()}`;
  try {
    await writeNewFile(partial, bytes, form, signal);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** There must be none of that name. Chunks may be lent. */
export async function writeNewFile(path: string, bytes: AsyncIterable<Uint8Array>, { mode }: NewFile, signal: AbortSignal): Promise<void> {
  await using file = await open(path, "wx", mode);
  for await (const chunk of eachUntilAborted(bytes, signal)) await writeAllTo(file, chunk);
}

/** All of it, where one call may write less (write(2)). */
export async function writeAllTo(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) at += (await file.write(bytes, at)).bytesWritten;
}
