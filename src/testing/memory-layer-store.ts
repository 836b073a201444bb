import { decompress } from "../archive/decompress.ts";
import type { Entry } from "../archive/entry.ts";
import type { Member } from "../archive/member.ts";
import { readTar } from "../archive/tar-reader.ts";
import { writeTar } from "../archive/tar-writer.ts";
import type { ByteStream } from "../content/blob-store.ts";
import { bytesOf, collectBytes, partOf } from "../content/bytes.ts";
import { digestOf, type DiffId } from "../content/digest.ts";
import type { LayerBytes, LayerStore } from "../snapshot/layer-store.ts";
import { membersOf, type Layer, type LayerId } from "../snapshot/layer.ts";

const CONTENT_BYTES_MAX = 1024 * 1024 * 1024;

/** Keeps layers in memory. It has no trees on disk, so nothing can be mounted. */
export class MemoryLayerStore implements LayerStore {
  readonly #layers: Map<string, Layer> = new Map();

  find(id: LayerId): Layer | undefined {
    return this.#layers.get(id);
  }

  async write(members: AsyncIterable<Member>, signal: AbortSignal): Promise<Layer> {
    return await this.#keep(`memory-${this.#layers.size}`, members, signal);
  }

  async importTar(diffId: DiffId, tar: ByteStream, signal: AbortSignal): Promise<Layer> {
    return await this.#keep(diffId, readTar(tar), signal);
  }

  async importBlob(diffId: DiffId, { open }: LayerBytes, _wanted: "archive" | "tree", signal: AbortSignal): Promise<Layer> {
    return await this.importTar(diffId, decompress(open(signal)), signal);
  }

  async importTree(diffId: DiffId, layer: Layer, signal: AbortSignal): Promise<Layer | undefined> {
    return await this.#keep(diffId, membersOf(layer, signal), signal);
  }

  async keepsArchive(): Promise<boolean> {
    return true;
  }

  exportTar(id: LayerId, signal: AbortSignal): ByteStream {
    return writeTar(membersOf(this.#require(id), signal));
  }

  async diffId(id: LayerId, signal: AbortSignal): Promise<DiffId> {
    // The digest of an uncompressed tar is a diff id by definition.
    return digestOf(await collectBytes(this.exportTar(id, signal), CONTENT_BYTES_MAX)) as string as DiffId;
  }

  async mount(): Promise<never> {
    throw new Error("a store in memory has nothing to mount");
  }

  #require(id: LayerId): Layer {
    const layer = this.#layers.get(id);
    if (layer === undefined) throw new RangeError(`no layer ${id}`);
    return layer;
  }

  async #keep(id: string, members: AsyncIterable<Member>, signal: AbortSignal): Promise<Layer> {
    const entries: Entry[] = [];
    const contents = new Map<string, Uint8Array>();
    const unsaid: Entry[] = [];
    for await (const { entry, content, isUnsaid } of members) {
      signal.throwIfAborted();
      if (isUnsaid === true) {
        unsaid.push(entry);
        continue;
      }
      entries.push(entry);
      if (entry.kind === "file") contents.set(entry.path, await collectBytes(copied(content), entry.sizeBytes));
    }
    const layer = { ...memoryLayer(id, entries, contents), unsaid: async () => unsaid };
    this.#layers.set(id, layer);
    return layer;
  }
}

/** A layer of entries with content beside them, by path. */
export function memoryLayer(id: string, entries: readonly Entry[], contents: ReadonlyMap<string, Uint8Array>): Layer {
  return {
    // Ids of a store in memory are whatever it says.
    id: id as LayerId,
    entries: async () => entries,
    read: (entry) => bytesOf(contents.get(entry.path) ?? new Uint8Array()),
    readPart: (entry, part) => partOf(bytesOf(contents.get(entry.path) ?? new Uint8Array()), part),
    contentDigest: async (entry) => digestOf(contents.get(entry.path) ?? new Uint8Array()),
  };
}

/** Chunks may be lent. */
async function* copied(content: ByteStream): ByteStream {
  for await (const chunk of content) yield Buffer.from(chunk);
}
