import type { ByteStream } from "../content/blob-store.ts";
import { originalError } from "../content/original-error.ts";
import { ImageLayer, type LayerOrigin } from "./image-layer.ts";
import type { LayerStore } from "./layer-store.ts";
import type { Layer } from "./layer.ts";

/** A layer of a shared cache that turned out not to be there, or other than the cache says, when it was needed. */
export class ImportedLayerError extends Error {
  override readonly name = "ImportedLayerError";
  readonly code = "cached-layer";
  readonly retryable = true;
  /** As people name it. */
  readonly cache: string;

  constructor(cache: string, cause: unknown) {
    super(`${cache}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.cache = cache;
  }
}

/** Which cache a layer is of, and when its step had finished, in nanoseconds since the epoch. */
export interface Imported {
  readonly cache: string;
  /** Undefined where the cache does not say. */
  readonly createdNs: bigint | undefined;
}

/** A layer that a step made elsewhere, as a cache has it: fetched like an image's, and a step's in all else. */
export class ImportedLayer extends ImageLayer {
  readonly imported: Imported;
  override readonly isOfBase = false;

  constructor(origin: LayerOrigin, imported: Imported, store: LayerStore) {
    super({ ...origin, fetch: (signal) => fetched(origin, imported, signal) }, store);
    this.imported = imported;
  }

  override async present(signal: AbortSignal, wanted?: "archive" | "tree"): Promise<Layer> {
    try {
      return await super.present(signal, wanted);
    } catch (error) {
      throw blamed(error, this.imported, signal);
    }
  }
}

async function* fetched(origin: LayerOrigin, imported: Imported, signal: AbortSignal): ByteStream {
  try {
    yield* origin.fetch(signal);
  } catch (error) {
    throw blamed(error, imported, signal);
  }
}

function blamed(error: unknown, { cache }: Imported, signal: AbortSignal): unknown {
  return signal.aborted || error instanceof ImportedLayerError ? error : new ImportedLayerError(cache, error);
}

/** The error in a chain of causes that blames a cache. */
export function importedLayerError(error: unknown): ImportedLayerError | undefined {
  for (let at = originalError(error); at instanceof Error; at = originalError(at.cause)) if (at instanceof ImportedLayerError) return at;
  return undefined;
}
