import { goJson } from "../content/go-json.ts";
import type { DiffId } from "../content/digest.ts";
import type { HistoryEntry, ImageConfig } from "../oci/image-config.ts";
import { completeHistory, type LayerAge } from "./history.ts";

export interface ConfigLayer extends LayerAge {
  readonly diffId: DiffId;
}

/**
 * The frontend's configuration with what only the exporter knows: diff ids, history times, `created`.
 * Top-level members are sorted, as BuildKit's exporter writes them; the members below stay as the frontend wrote them.
 */
export function finishConfig(frontendConfig: Uint8Array, layers: readonly ConfigLayer[], epochNs: bigint | undefined): Uint8Array {
  // The frontend is ours or one that we checked; unknown members pass through.
  const config = JSON.parse(Buffer.from(frontendConfig).toString("utf8")) as ImageConfig & { readonly history?: readonly HistoryEntry[] };
  const history = completeHistory(config.history ?? [], layers, epochNs);
  const created = config.created ?? history.findLast((entry) => entry.created !== undefined)?.created;
  const finished: Record<string, unknown> = {
    ...config,
    ...(created === undefined ? {} : { created }),
    history,
    rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diffId) },
  };
  return Buffer.from(goJson(Object.fromEntries(Object.entries(finished).toSorted(([a], [b]) => (a < b ? -1 : 1)))));
}
