import { ArchiveError } from "../archive/archive-error.ts";
import { decompress } from "../archive/decompress.ts";
import type { Entry } from "../archive/entry.ts";
import { CorruptBlobError, type ByteStream, type ChunkOwner } from "../content/blob-store.ts";
import type { BytesPart } from "../content/bytes.ts";
import type { DiffId, Digest } from "../content/digest.ts";
import { fromAnother } from "../content/from-another.ts";
import { verified } from "../content/verified.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { LayerStore } from "./layer-store.ts";
import { imageLayerId, membersOf, type Layer, type LayerId } from "./layer.ts";

/** Where an image's layer can be had from, in the form that its manifest names. */
export interface LayerOrigin {
  readonly diffId: DiffId;
  readonly descriptor: Descriptor;
  /** The repository that holds it (`docker.io/library/debian`), for mounting it into another; undefined for a layout on disk. */
  readonly repository: string | undefined;
  /** The blob as stored there; throws rather than end on other bytes than the descriptor names. */
  fetch(signal: AbortSignal): ByteStream;
}

/**
 * A layer of an image that is fetched when somebody first looks into it, and not before:
 * what only stands below, and is pushed where it already is, is never moved.
 */
export class ImageLayer implements Layer {
  readonly id: LayerId;
  readonly origin: LayerOrigin;
  /** False for what only lies where images lie. */
  readonly isOfBase: boolean = true;
  readonly #store: LayerStore;
  #fetching: { readonly signal: AbortSignal; readonly layer: Promise<Layer> } | undefined;

  constructor(origin: LayerOrigin, store: LayerStore) {
    this.id = imageLayerId(origin.diffId);
    this.origin = origin;
    this.#store = store;
  }

  /** The layer in the store, fetched if need be. A failed fetch is tried anew by the next caller, and one that was aborted by whoever waited for it too. */
  async present(signal: AbortSignal, wanted: "archive" | "tree" = "archive"): Promise<Layer> {
    for (;;) {
      const fetching = (this.#fetching ??= { signal, layer: this.#obtain(wanted, signal) });
      try {
        return await fetching.layer;
      } catch (error) {
        if (this.#fetching === fetching) this.#fetching = undefined;
        if (signal.aborted || !fetching.signal.aborted) throw error;
      }
    }
  }

  async entries(signal: AbortSignal): Promise<readonly Entry[]> {
    return await (await this.present(signal)).entries(signal);
  }

  async *read(entry: Entry, signal: AbortSignal): ByteStream {
    yield* (await this.present(signal)).read(entry, signal);
  }

  async *readPart(entry: Entry, part: BytesPart, signal: AbortSignal): ByteStream {
    yield* (await this.present(signal)).readPart(entry, part, signal);
  }

  async contentDigest(entry: Entry, signal: AbortSignal): Promise<Digest> {
    return await (await this.present(signal)).contentDigest(entry, signal);
  }

  /** Its archive, uncompressed and byte for byte: out of the store where that keeps it, else from where the image is. */
  async *tar(signal: AbortSignal, chunks?: ChunkOwner): ByteStream {
    const { id } = await this.present(signal);
    if (await this.#store.keepsArchive(id)) return yield* this.#store.exportTar(id, signal, chunks);
    try {
      // A diff id is the digest of the uncompressed tar.
      yield* verified(decompress(this.origin.fetch(signal)), this.origin.diffId as string as Digest, undefined);
    } catch (error) {
      throw this.#named(error);
    }
  }

  async #obtain(wanted: "archive" | "tree", signal: AbortSignal): Promise<Layer> {
    // What a step made elsewhere may be published later by who does not know where it came from.
    return this.#store.find(this.id) ?? (await fromAnother(() => this.#import(this.isOfBase ? wanted : "archive", signal)));
  }

  async #import(wanted: "archive" | "tree", signal: AbortSignal): Promise<Layer> {
    const { diffId, descriptor } = this.origin;
    const blob = { open: (opening: AbortSignal) => this.origin.fetch(opening), sizeBytes: descriptor.size };
    try {
      return await this.#store.importBlob(diffId, blob, wanted, signal);
    } catch (error) {
      if (error instanceof ArchiveError || (error instanceof CorruptBlobError && error.code === "corrupt" && !error.retryable)) await this.#requireBytes(signal);
      throw this.#named(error);
    }
  }

  /** What is no archive, or another one, may also be other bytes than were asked for, which are only known by their end: then it is that which is wrong. */
  async #requireBytes(signal: AbortSignal): Promise<void> {
    for await (const _chunk of this.origin.fetch(signal));
  }

  #named(error: unknown): unknown {
    const { descriptor, repository } = this.origin;
    if (!(error instanceof ArchiveError)) return error;
    return new CorruptBlobError(`layer ${descriptor.digest} of ${repository ?? "the OCI layout"} is no good archive: ${error.message}`, "corrupt", { cause: error });
  }
}

/** Undefined for a layer that a step made, here or elsewhere. */
export function originOf(layer: Layer): LayerOrigin | undefined {
  return layer instanceof ImageLayer && layer.isOfBase ? layer.origin : undefined;
}

/** The layer in the store, for who needs its tree on disk: what is an image's is fetched, and what a client lends is copied. */
export async function presentLayer(layer: Layer, store: LayerStore, signal: AbortSignal): Promise<Layer> {
  if (layer instanceof ImageLayer) return await layer.present(signal, "tree");
  return store.find(layer.id) ?? (await store.write(membersOf(layer, signal), signal));
}
