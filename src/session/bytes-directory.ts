import { bytesOf } from "../content/bytes.ts";
import type { LocalDirectory, LocalEntry } from "./session.ts";

/** A directory of files that are in memory, such as a Dockerfile from standard input. Selections are not looked at: all of it is always asked for. */
export function bytesDirectory(files: ReadonlyMap<string, Uint8Array>): LocalDirectory {
  return {
    async *walk() {
      for (const [path, bytes] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) yield entryOf(path, bytes.byteLength);
    },
    read: (path) => bytesOf(files.get(path) ?? new Uint8Array()),
  };
}

function entryOf(path: string, sizeBytes: number): LocalEntry {
  return { path, kind: "file", mode: 0o600, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes, validator: undefined };
}
