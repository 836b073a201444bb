import { createHash } from "node:crypto";
import type { Member } from "../archive/member.ts";
import { writeTar } from "../archive/tar-writer.ts";
import type { ByteStream, ChunkOwner } from "../content/blob-store.ts";
import type { DiffId } from "../content/digest.ts";
import { exportedEntry } from "./exported-entry.ts";
import type { StoredLayer } from "./stored-layer.ts";

/**
 * The archive of a layer in directory form, made anew each time and always the same. Once it has been
 * read to its end, `onEnd` is told its digest, and the layer knows those of its files.
 */
export async function* exportTree(layer: StoredLayer, onEnd: (diffId: DiffId) => void, signal: AbortSignal, chunks: ChunkOwner): ByteStream {
  const digests = new Map<number, Buffer>();
  const whole = createHash("sha256");
  for await (const chunk of writeTar(membersOf(layer, digests, signal, chunks), chunks)) {
    whole.update(chunk);
    yield chunk;
  }
  layer.digests.add(digests);
  // digest("hex") is 64 characters of lower-case hex by construction.
  onEnd(`sha256:${whole.digest("hex")}` as DiffId);
}

async function* membersOf(layer: StoredLayer, digests: Map<number, Buffer>, signal: AbortSignal, chunks: ChunkOwner): AsyncIterable<Member> {
  for (const [number, entry] of (await layer.entries(signal)).entries()) {
    const content = async function* (): ByteStream {
      const sum = createHash("sha256");
      if (entry.kind === "file") {
        for await (const chunk of layer.read(entry, signal, chunks)) {
          sum.update(chunk);
          yield chunk;
        }
        digests.set(number, sum.digest());
      }
    };
    yield { entry: exportedEntry(entry), content: content() };
  }
}
