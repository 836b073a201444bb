import type { Member } from "../archive/member.ts";
import type { ByteStream, ChunkOwner } from "../content/blob-store.ts";
import type { DiffId } from "../content/digest.ts";
import type { Layer, LayerChain, LayerId } from "./layer.ts";

/** An image's layer as it is sent. */
export interface LayerBytes {
  /** May be called again. The chunks are the store's, memory and all. */
  readonly open: (signal: AbortSignal) => ByteStream;
  readonly sizeBytes: number;
}

/**
 * Keeps layers on disk, for several processes at once.
 *
 * A layer has up to two forms: `tar`, one uncompressed archive with an index of where each
 * file's bytes lie in it, and `directory`, a tree that overlayfs can take as a lower directory.
 * Either is made from the other when somebody needs it; of an image's layer that came as a tree, who needs the archive as it was fetches it. A layer appears whole or not at all;
 * what a killed process left half-written is swept when the store is opened next.
 */
export interface LayerStore {
  /** Undefined when this store has no such layer. */
  find(id: LayerId): Layer | undefined;
  /** Writes a new layer in tar form, in the order given, which must be tar order. */
  write(members: AsyncIterable<Member>, signal: AbortSignal): Promise<Layer>;
  /** Takes in an image's layer, already decompressed, under its diff id. Throws CorruptBlobError when the bytes are others. */
  importTar(diffId: DiffId, tar: ByteStream, signal: AbortSignal): Promise<Layer>;
  /**
   * The same of bytes as images have them, compressed or not as they themselves say. For who needs no more than its `tree` the archive may
   * not be kept. Throws ArchiveError when they are no good archive.
   */
  importBlob(diffId: DiffId, blob: LayerBytes, wanted: "archive" | "tree", signal: AbortSignal): Promise<Layer>;
  /** Takes an image's layer over from another store, which has it as a tree. Undefined where this one keeps none of those as such. */
  importTree(diffId: DiffId, layer: Layer, signal: AbortSignal): Promise<Layer | undefined>;
  /** True where `exportTar` gives an image's layer byte for byte as it came; else it gives an archive of the same entries. */
  keepsArchive(id: LayerId): Promise<boolean>;
  /** The layer as an image's layer: uncompressed tar, entries and bytes always the same for one layer. Chunks are kept by whoever asks unless it says that they are lent. */
  exportTar(id: LayerId, signal: AbortSignal, chunks?: ChunkOwner): ByteStream;
  /** What the tar's digest is known to be, once it has been written or read through. */
  diffId(id: LayerId, signal: AbortSignal): Promise<DiffId>;
  /** Puts a tree where a process can use it. Privilege is needed from here on, and only from here on. */
  mount(chain: LayerChain, mode: "read-only" | "writable", signal: AbortSignal): Promise<MountedTree>;
}

/** A tree in place. Disposing unmounts it and drops what was written, unless it was committed. */
export interface MountedTree extends AsyncDisposable {
  /** Where a process inside the store's mount namespace finds the tree (see namespace/). */
  readonly rootPath: string;
  /** Where this process finds the same tree. */
  readonly viewPath: string;
  /** Freezes what was written as a new layer; the tree is unmounted by it. Only for a writable mount, once. */
  commit(signal: AbortSignal): Promise<Layer>;
}
