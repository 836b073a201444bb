import { dirname } from "node:path";
import type { ByteStream } from "../content/blob-store.ts";
import { makeDirectories } from "../host/make-directories.ts";
import { untilAborted } from "../host/until-aborted.ts";
import { writePath } from "../host/write-path.ts";
import type { FileDestination } from "./target.ts";

/** Where bytes go that were asked for on standard output. Resolves once they have been taken. */
export type WriteStdout = (chunk: Uint8Array) => Promise<void>;

/** A build that fails half-way leaves the file that was there, or none. Chunks may be lent. */
export async function writeToDestination(destination: FileDestination, bytes: ByteStream, stdout: WriteStdout, signal: AbortSignal): Promise<void> {
  if (destination.kind === "stdout") {
    for await (const chunk of bytes) await untilAborted(stdout(chunk), signal);
    return;
  }
  await makeDirectories(dirname(destination.path));
  await writePath(destination.path, bytes, signal);
}
