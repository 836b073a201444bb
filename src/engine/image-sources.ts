import { openOciLayout } from "../registry/oci-layout.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import type { ImageLayer } from "../snapshot/image-layer.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import type { Layer, LayerId } from "../snapshot/layer.ts";
import { ImageSource, type ImageSourceServices } from "../source/image.ts";
import { SourceError } from "../source/source-error.ts";
import type { BuildPlan } from "./build-plan.ts";
import { layoutStoreId } from "./frontend-attributes.ts";
import type { LayerFetches } from "./layer-fetches.ts";
import type { State } from "./state.ts";

/** Where the images of one build come from. */
export interface ImageSources {
  readonly registry: ImageSource;
  /** Of an OCI layout, by the id that the graph gives it. Throws SourceError("not-found") for an id that nobody lent. */
  readonly layout: (storeId: string) => ImageSource;
  /** A layer of any image that this build has opened. */
  readonly findLayer: (id: LayerId) => Layer | undefined;
}

export interface ImageSourceMeans {
  readonly fetches: LayerFetches;
  readonly registry: RegistryClient;
  readonly state: State;
  readonly layers: LayerStore;
}

export function imageSources(plan: BuildPlan, { registry, state, layers, fetches }: ImageSourceMeans): ImageSources {
  const known = new Map<LayerId, ImageLayer>();
  const means: Omit<ImageSourceServices, "mountable" | "open"> = {
    blobs: state.blobs, layers,
    passing: (descriptor, bytes) => fetches.shown(descriptor, bytes),
    onLayers: (found) => found.forEach((layer) => known.set(layer.id, layer)),
  };
  const layouts = new Map(plan.namedContexts.flatMap((context) => {
    if (context.kind !== "oci-layout") return [];
    const source = new ImageSource({ ...means, mountable: false, open: (_reference, signal) => openOciLayout(context.path, signal) });
    return [[layoutStoreId(context.name), source] as const];
  }));
  return {
    registry: new ImageSource({ ...means, mountable: true, open: async (reference) => registry.repository(reference, "pull") }),
    layout(storeId) {
      const source = layouts.get(storeId);
      if (source === undefined) throw new SourceError("not-found", `no OCI layout ${storeId} was given to this build`);
      return source;
    },
    findLayer: (id) => known.get(id),
  };
}
