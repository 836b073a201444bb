import { parseDigest, type Digest, type DiffId } from "../content/digest.ts";
import type { StateDatabase } from "./state-database.ts";

/** A layer as a blob of an image. */
export interface KnownBlob {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly diffId: DiffId;
  /** What its descriptor says beside these; empty for most. */
  readonly annotations: Readonly<Record<string, string>>;
}

export interface LayerStep {
  /** Masked, as in the log. */
  readonly name: string;
  /** The layers below, from the base up. */
  readonly below: readonly string[];
}

/** What is known of layers beyond their bytes, by layer id; kept so that a rebuild out of the cache gives the same image. */
export interface LayerFacts {
  /** When the step that made the layer had finished, in nanoseconds since the epoch. */
  createdNs(layerId: string): bigint | undefined;
  saveCreated(layerId: string, createdNs: bigint): void;
  /** What is to be told of the step that made the layer, as JSON: what sandbox it ran in. */
  origin(layerId: string): string | undefined;
  saveOrigin(layerId: string, json: string): void;
  /** What the step that made the layer asked of the network, as JSON; undefined where nobody looked. */
  requests(layerId: string): string | undefined;
  saveRequests(layerId: string, json: string): void;
  /** The step that made the layer, and what it stood on; undefined for an image's layer. */
  step(layerId: string): LayerStep | undefined;
  /** The first one stays: a step may also give back a layer as it was. */
  saveStep(layerId: string, step: LayerStep): void;
  /** Whether a frontend was run from an image with this layer. */
  isFrontends(layerId: string): boolean;
  saveFrontends(layerIds: readonly string[]): void;
  /** Whether the layer came out of a cache that another machine wrote, or was made of what did. */
  isImported(layerId: string): boolean;
  saveImported(layerId: string): void;
  /** `form` says how it was compressed and changed: "gzip", "zstd:19", "gzip@1700000000". */
  blob(layerId: string, form: string): KnownBlob | undefined;
  saveBlob(layerId: string, form: string, blob: KnownBlob): void;
}

/** Kinds of facts that have the id of a layer as their name; `blob` has the form behind the id. They go when the layer is gone. */
export const LAYER_FACT = { created: "layer-created", origin: "layer-origin", requests: "layer-requests", step: "layer-step", frontend: "layer-frontend", imported: "layer-imported", blob: "layer-blob" } as const;

export function layerFacts(state: StateDatabase): LayerFacts {
  // Each step of a long Dockerfile asks about all layers below it.
  const imported = new Map<string, boolean>();
  const isImported = (layerId: string): boolean => {
    const known = imported.get(layerId) ?? state.fact(LAYER_FACT.imported, layerId) !== undefined;
    imported.set(layerId, known);
    return known;
  };
  return {
    createdNs(layerId) {
      const text = state.fact(LAYER_FACT.created, layerId);
      return text === undefined ? undefined : BigInt(text);
    },
    saveCreated: (layerId, createdNs) => state.saveFact(LAYER_FACT.created, layerId, createdNs.toString()),
    origin: (layerId) => state.fact(LAYER_FACT.origin, layerId),
    saveOrigin: (layerId, json) => state.saveFact(LAYER_FACT.origin, layerId, json),
    requests: (layerId) => state.fact(LAYER_FACT.requests, layerId),
    saveRequests: (layerId, json) => state.saveFact(LAYER_FACT.requests, layerId, json),
    step(layerId) {
      const text = state.fact(LAYER_FACT.step, layerId);
      // Written by saveStep.
      return text === undefined ? undefined : (JSON.parse(text) as LayerStep);
    },
    saveStep: (layerId, step) => void state.keepFact(LAYER_FACT.step, layerId, JSON.stringify(step)),
    isFrontends: (layerId) => state.fact(LAYER_FACT.frontend, layerId) !== undefined,
    saveFrontends(layerIds) {
      const unknown = layerIds.filter((id) => state.fact(LAYER_FACT.frontend, id) === undefined);
      state.saveFacts(LAYER_FACT.frontend, new Map(unknown.map((id) => [id, ""])));
    },
    isImported,
    saveImported(layerId) {
      if (!isImported(layerId)) state.saveFact(LAYER_FACT.imported, layerId, "");
      imported.set(layerId, true);
    },
    blob(layerId, form) {
      const text = state.fact(LAYER_FACT.blob, `${layerId} ${form}`);
      return text === undefined ? undefined : parseBlob(text);
    },
    saveBlob: (layerId, form, blob) => state.saveFact(LAYER_FACT.blob, `${layerId} ${form}`, JSON.stringify(blob)),
  };
}

function parseBlob(text: string): KnownBlob {
  // Written by saveBlob; the digests are parsed again since they become names of files.
  const { mediaType, digest, sizeBytes, diffId, annotations = {} } = JSON.parse(text) as { mediaType: string; digest: string; sizeBytes: number; diffId: string; annotations?: Readonly<Record<string, string>> };
  return { mediaType, digest: parseDigest(digest), sizeBytes, diffId: parseDigest(diffId) as string as DiffId, annotations };
}
