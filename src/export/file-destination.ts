import { createWriteStream, existsSync, realpathSync, statSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ByteStream } from "../content/blob-store.ts";
import { randomId } from "../host/random.ts";
import { untilAborted } from "../host/until-aborted.ts";
import type { FileDestination } from "./target.ts";

/** Where bytes go that were asked for on standard output. */
export type WriteStdout = (chunk: Uint8Array) => Promise<void>;

/**
 * Writes a file under its name once it is whole: a build that fails half-way leaves the old one, or none.
 * A device or a pipe is written into: to put a file in its place would take it away from everyone.
 */
export async function writeToDestination(destination: FileDestination, bytes: ByteStream, stdout: WriteStdout, signal: AbortSignal): Promise<void> {
  if (destination.kind === "stdout") {
    for await (const chunk of bytes) await untilAborted(stdout(chunk), signal);
    return;
  }
  await mkdir(dirname(destination.path), { recursive: true });
  if (isNoFile(destination.path)) return await pipeline(Readable.from(bytes), createWriteStream(destination.path, { flags: "w" }) as Writable, { signal });
  // Where a link leads, not in its place.
  const path = existsSync(destination.path) ? realpathSync(destination.path) : destination.path;
  const partial = `${path}.${randomId()}`;
  try {
    await pipeline(Readable.from(bytes), createWriteStream(partial, { flags: "wx" }) as Writable, { signal });
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

function isNoFile(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isFile() && !found.isDirectory();
}
