import { createWriteStream } from "node:fs";
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

/** Writes a file under its name once it is whole: a build that fails half-way leaves the old one, or none. */
export async function writeToDestination(destination: FileDestination, bytes: ByteStream, stdout: WriteStdout, signal: AbortSignal): Promise<void> {
  if (destination.kind === "stdout") {
    for await (const chunk of bytes) await untilAborted(stdout(chunk), signal);
    return;
  }
  await mkdir(dirname(destination.path), { recursive: true });
  const partial = `${destination.path}.${randomId()}`;
  try {
    await pipeline(Readable.from(bytes), createWriteStream(partial, { flags: "wx" }) as Writable, { signal });
    await rename(partial, destination.path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
