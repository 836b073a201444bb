import { writeSync } from "node:fs";

/** All of it, where one call may write less (write(2)). */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; ) at += writeSync(fd, bytes, at);
}
