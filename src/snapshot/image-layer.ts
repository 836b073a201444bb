import { ArchiveError } from "../archive/archive-error.ts";
import type { Entry } from "../archive/entry.ts";
import { decompress } from "../archive/decompress.ts";
import type { Member } from "../archive/member.ts";
import { CorruptBlobError, type ByteStream } from "../content/blob-store.ts";
import { bytesOf, type BytesPart } from "../content/bytes.ts";
import type { DiffId, Digest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { LayerStore } from "./layer-store.ts";
import { imageLayerId, type Layer, type LayerId } from "./layer.ts";

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
  async present(signal: AbortSignal): Promise<Layer> {
    for (;;) {
      const fetching = (this.#fetching ??= { signal, layer: this.#obtain(signal) });
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

  async #obtain(signal: AbortSignal): Promise<Layer> {
    const { diffId, descriptor, repository } = this.origin;
    try {
      return this.#store.find(this.id) ?? (await this.#store.importTar(diffId, decompress(this.origin.fetch(signal)), signal));
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      throw new CorruptBlobError(`layer ${descriptor.digest} of ${repository ?? "the OCI layout"} is no good archive: ${error.message}`, "corrupt", { cause: error });
    }
  }
}

/** Undefined for a layer that a step made, here or elsewhere. */
export function originOf(layer: Layer): LayerOrigin | undefined {
  return layer instanceof ImageLayer && layer.isOfBase ? layer.origin : undefined;
}

/**
 * A chain whose layers are all in the store: what is an image's is fetched, several layers at a time, and what a
 * client lends is copied. Only what needs a tree on disk needs this.
 */
export async function presentChain(chain: readonly Layer[], store: LayerStore, signal: AbortSignal): Promise<readonly Layer[]> {
  return await Promise.all(chain.map(async (layer) => {
    if (layer instanceof ImageLayer) return await layer.present(signal);
    return store.find(layer.id) ?? (await store.write(membersOf(layer, signal), signal));
  }));
}

async function* membersOf(layer: Layer, signal: AbortSignal): AsyncIterable<Member> {
  for (const entry of await layer.entries(signal)) {
    yield { entry, content: entry.kind === "file" ? layer.read(entry, signal) : bytesOf() };
  }
}
