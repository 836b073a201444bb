import { createHash, type Hash } from "node:crypto";
import { bytesOf } from "../content/bytes.ts";
import type { ByteStream } from "../content/blob-store.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import { TocWriter } from "./estargz-toc.ts";
import type { Entry } from "./entry.ts";
import { gzip } from "./gzip.ts";
import type { Member } from "./member.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar-writer.ts";

/** The file that the format adds. One that stands among a layer's own, as some write it, is left out. */
export const TOC_NAME = "stargz.index.json";

/** Contents are compressed, and can be had alone, in pieces of this size. */
const CHUNK_BYTES = 4 * 1024 * 1024;

export interface EstargzFacts {
  /** Of the table of contents, as its JSON text. */
  readonly toc: Digest;
  /** Of all that the gzip members hold, one behind the other: more than the archive that was given. */
  readonly uncompressed: Digest;
  readonly uncompressedBytes: number;
}

/**
 * A layer of which every file can be fetched alone (stargz-snapshotter, docs/estargz.md): a gzip member for
 * each piece of a content, and at the end a table that says where they begin. As with BuildKit, the layer's archive stands in it
 * as it is, end included: who reads it does not come to the table. The same members give the same bytes. `onEnd` is told once all has been read.
 */
export async function* estargz(members: AsyncIterable<Member>, level: number, onEnd: (facts: EstargzFacts) => void): ByteStream {
  const blob = new BlobWriter(level);
  const toc = new TocWriter();
  for await (const { entry, content } of members) {
    if (entry.path === TOC_NAME) continue;
    blob.gather(tarHeader(entry));
    if (entry.kind !== "file" || entry.sizeBytes === 0) toc.add(entry);
    else yield* writeContent(entry, content, { blob, toc });
    blob.gather(tarPadding(entry));
  }
  blob.gather(TAR_END);
  yield* blob.flush();
  const tocOffset = blob.offsetBytes;
  const table = toc.bytes();
  const entry: Entry = { path: TOC_NAME, kind: "file", mode: 0, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: table.byteLength };
  blob.gather(tarHeader(entry), table, tarPadding(entry), TAR_END);
  yield* blob.flush();
  yield footer(tocOffset);
  // digest("hex") is 64 characters of lower-case hex by construction.
  onEnd({ toc: digestOf(table), uncompressed: `sha256:${blob.hash.digest("hex")}` as Digest, uncompressedBytes: blob.uncompressedBytes });
}

interface Writers {
  readonly blob: BlobWriter;
  readonly toc: TocWriter;
}

async function* writeContent(entry: Entry, content: ByteStream, { blob, toc }: Writers): ByteStream {
  const file = toc.file(entry);
  for await (const chunk of inChunks(content)) {
    yield* blob.flush();
    file.chunk({ offsetBytes: blob.offsetBytes, bytes: chunk, isWhole: chunk.byteLength === CHUNK_BYTES });
    blob.gather(chunk);
  }
  yield* blob.flush();
  file.end();
}

/** Collects what becomes one gzip member. */
class BlobWriter {
  readonly hash: Hash = createHash("sha256");
  readonly #level: number;
  #gathered: Uint8Array[] = [];
  offsetBytes = 0;
  uncompressedBytes = 0;

  constructor(level: number) {
    this.#level = level;
  }

  gather(...pieces: readonly Uint8Array[]): void {
    for (const piece of pieces) {
      this.hash.update(piece);
      this.uncompressedBytes += piece.byteLength;
      if (piece.byteLength > 0) this.#gathered.push(piece);
    }
  }

  async *flush(): ByteStream {
    if (this.#gathered.length === 0) return;
    const gathered = this.#gathered;
    this.#gathered = [];
    for await (const bytes of gzip(bytesOf(...gathered), this.#level)) {
      this.offsetBytes += bytes.byteLength;
      yield bytes;
    }
  }
}

async function* inChunks(content: ByteStream): AsyncIterable<Buffer> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const piece of content) {
    for (let at = 0; at < piece.byteLength; ) {
      const part = piece.subarray(at, at + CHUNK_BYTES - heldBytes);
      held.push(part);
      heldBytes += part.byteLength;
      at += part.byteLength;
      if (heldBytes < CHUNK_BYTES) continue;
      yield Buffer.concat(held);
      held = [];
      heldBytes = 0;
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

/** An empty gzip member of 51 bytes with the place of the table in its extra field (RFC 1952, 2.3.1.1). */
function footer(tocOffset: number): Buffer {
  return Buffer.concat([
    Buffer.of(0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 26, 0, 0x53, 0x47, 22, 0),
    Buffer.from(`${tocOffset.toString(16).padStart(16, "0")}STARGZ`),
    Buffer.of(1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0),
  ]);
}
