import { createHash } from "node:crypto";
import { digestOf } from "../content/digest.ts";
import { rfc3339Nano } from "../content/timestamp.ts";
import type { Entry, EntryKind } from "./entry.ts";
import { tarName } from "./tar-writer.ts";

/** Names of kinds in the table; marks of what is taken away are files there, as in the archive. */
const TYPES: Readonly<Record<EntryKind, string>> = {
  file: "reg", directory: "dir", symlink: "symlink", hardlink: "hardlink", char: "char", block: "block", fifo: "fifo", whiteout: "reg", opaque: "reg",
};

/** One piece of a content, and where its gzip member begins. */
export interface TocChunk {
  readonly offsetBytes: number;
  readonly bytes: Buffer;
}

export interface TocFile {
  chunk(chunk: TocChunk): void;
  /** After the last one. */
  end(): void;
}

/** Gathers the table of contents (stargz-snapshotter, docs/estargz.md, "TOC, TOCEntries and Footer"): each entry as text at once, since a layer has many. */
export class TocWriter {
  readonly #entries: string[] = [];

  add(entry: Entry): void {
    this.#entries.push(JSON.stringify(described(entry)));
  }

  file(entry: Entry): TocFile {
    const whole = createHash("sha256");
    const chunks: Array<{ readonly offset: number; readonly chunkOffset: number; readonly chunkSize: number; readonly chunkDigest: string }> = [];
    let seenBytes = 0;
    return {
      chunk({ offsetBytes, bytes }) {
        whole.update(bytes);
        chunks.push({ offset: offsetBytes, chunkOffset: seenBytes, chunkSize: bytes.byteLength, chunkDigest: digestOf(bytes) });
        seenBytes += bytes.byteLength;
      },
      end: () => {
        const digest = `sha256:${whole.digest("hex")}`;
        for (const [at, { chunkSize, ...place }] of chunks.entries()) {
          const first = at === 0 ? { ...described(entry), size: entry.sizeBytes, digest } : { name: tarName(entry), type: "chunk" };
          // The last one's size is what is left.
          this.#entries.push(JSON.stringify({ ...first, ...place, ...(at === chunks.length - 1 ? {} : { chunkSize }) }));
        }
      },
    };
  }

  bytes(): Buffer {
    return Buffer.from(`{"version":1,"entries":[${this.#entries.join(",")}]}`);
  }
}

function described(entry: Entry): object {
  const { kind, mtimeNs, linkname, mode, uid, gid, device, xattrs } = entry;
  return {
    name: tarName(entry),
    type: TYPES[kind],
    ...(mtimeNs === 0n ? {} : { modtime: rfc3339Nano(mtimeNs) }),
    ...(linkname === undefined ? {} : { linkName: linkname }),
    mode, uid, gid,
    ...(device === undefined ? {} : { devMajor: device.major, devMinor: device.minor }),
    ...(xattrs === undefined ? {} : { xattrs: Object.fromEntries(Array.from(xattrs, ([name, value]) => [name, Buffer.from(value).toString("base64")])) }),
  };
}
