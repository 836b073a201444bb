import { join } from "node:path";
import { writeContentDigests } from "./content-digests.ts";
import type { CollectedLayer } from "./entry-collector.ts";
import { writeIndex, type LayerIndex } from "./layer-index.ts";
import { LAYER_FILES } from "./stored-layer.ts";

/** What is known of a layer that has just been written, beside it. */
export async function writeNotes(directory: string, { index, digests }: CollectedLayer, signal: AbortSignal): Promise<LayerIndex> {
  await writeContentDigests(join(directory, LAYER_FILES.digests), digests, signal);
  await writeIndex(join(directory, LAYER_FILES.index), index, signal);
  return index;
}
