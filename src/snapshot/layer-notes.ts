import { join } from "node:path";
import type { Entry } from "../archive/entry.ts";
import { writeContentDigests } from "./content-digests.ts";
import type { CollectedLayer } from "./entry-collector.ts";
import { writeIndex, type LayerIndex } from "./layer-index.ts";
import { LAYER_FILES } from "./stored-layer.ts";

/** Of most layers there is nothing to note. */
export async function writeUnsaid(directory: string, entries: readonly Entry[], signal: AbortSignal): Promise<void> {
  if (entries.length === 0) return;
  const index: LayerIndex = { form: "directory", entries, offsets: [], impliesDirectories: false, saysRoot: false, hasWhiteouts: false, contentBytes: 0, tarBytes: 0 };
  await writeIndex(join(directory, LAYER_FILES.unsaid), index, signal);
}

/** What is known of a layer that has just been written, beside it. */
export async function writeNotes(directory: string, { index, digests }: CollectedLayer, signal: AbortSignal): Promise<LayerIndex> {
  await writeContentDigests(join(directory, LAYER_FILES.digests), digests, signal);
  await writeIndex(join(directory, LAYER_FILES.index), index, signal);
  return index;
}
