import { createWriteStream, existsSync, realpathSync, statSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { replaceFile } from "./replace-file.ts";

/**
 * Writes where a user said. A file, at the end of a link if it is one, is replaced once the new one is whole; a device or a pipe
 * is written into: to put a file in its place would take it away from everyone. Chunks may be lent.
 */
export async function writePath(path: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  if (isNoFile(path)) return await pipeline(Readable.from(kept(bytes)), createWriteStream(path, { flags: "w" }) as Writable, { signal });
  await replaceFile(existsSync(path) ? realpathSync(path) : path, bytes, {}, signal);
}

/** A stream keeps several at a time. */
async function* kept(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of bytes) yield Buffer.from(chunk);
}

function isNoFile(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isFile() && !found.isDirectory();
}
