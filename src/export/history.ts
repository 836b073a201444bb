import { rfc3339Nano } from "../content/timestamp.ts";
import type { HistoryEntry } from "../oci/image-config.ts";

/** When a layer came to be; undefined for a base image's layer, whose history says it. */
export interface LayerAge {
  readonly createdNs: bigint | undefined;
}

/**
 * History entries with times, one non-empty entry for each layer.
 *
 * The frontend leaves the times of its own entries open. A layer's entry takes the layer's time,
 * an empty one the time of the layer before it, or of the first new layer where there is none:
 * so a rebuild out of the cache gives the same configuration, byte for byte.
 */
export function completeHistory(history: readonly HistoryEntry[], layers: readonly LayerAge[], epochNs: bigint | undefined): HistoryEntry[] {
  const timed = pairHistory(history, layers.length).map(withLayerTime(layers));
  const firstOpen = timed.findIndex(({ entry }) => entry.created === undefined);
  let previous = firstTime(timed, firstOpen);
  return timed.map(({ entry, own }, i) => {
    const created = entry.created ?? previous;
    // The times of the base's entries are not those of what was built on it.
    if (firstOpen !== -1 && i >= firstOpen) previous = created;
    return withCreated(entry, own ? clamp(created, epochNs) : created);
  });
}

interface Timed {
  readonly entry: HistoryEntry;
  /** The frontend's, not the base image's: only those may be set back to SOURCE_DATE_EPOCH. */
  readonly own: boolean;
}

/**
 * A base without history still has layers; each needs an entry for the pairs to stay right. A frontend's entries for
 * layers that are not there are kept, as empty ones.
 */
function pairHistory(history: readonly HistoryEntry[], layerCount: number): HistoryEntry[] {
  const described = history.filter((entry) => entry.empty_layer !== true).length;
  if (described > layerCount) return withoutLayersAfter(history, layerCount);
  const missing = Array.from({ length: layerCount - described }, () => ({ created_by: "unknown", comment: "imported layer" }));
  return [...missing, ...history];
}

function withoutLayersAfter(history: readonly HistoryEntry[], layerCount: number): HistoryEntry[] {
  let seen = 0;
  return history.map((entry) => (entry.empty_layer === true || ++seen <= layerCount ? entry : { ...entry, empty_layer: true }));
}

function withLayerTime(layers: readonly LayerAge[]): (entry: HistoryEntry) => Timed {
  let next = 0;
  return (entry) => {
    const age = entry.empty_layer === true ? undefined : layers[next++];
    if (entry.created !== undefined || age?.createdNs === undefined) return { entry, own: entry.created === undefined };
    return { entry: withCreated(entry, rfc3339Nano(age.createdNs)), own: true };
  };
}

/** The time of the first new layer, else of the last old one. */
function firstTime(timed: readonly Timed[], firstOpen: number): string | undefined {
  const after = timed.slice(Math.max(firstOpen, 0)).find(({ entry }) => entry.created !== undefined);
  return (after ?? timed.findLast(({ entry }) => entry.created !== undefined))?.entry.created;
}

function clamp(created: string | undefined, epochNs: bigint | undefined): string | undefined {
  return created === undefined || epochNs === undefined ? created : earlier(created, rfc3339Nano(epochNs));
}

function earlier(a: string, b: string): string {
  return Date.parse(a) <= Date.parse(b) ? a : b;
}

/** Members in the order in which Go writes them. */
function withCreated(entry: HistoryEntry, created: string | undefined): HistoryEntry {
  return created === undefined ? entry : Object.assign({ created }, entry, { created });
}
