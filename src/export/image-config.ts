import { goJson, goList } from "../content/go-json.ts";
import type { DiffId } from "../content/digest.ts";
import type { HistoryEntry, ImageConfig } from "../oci/image-config.ts";
import { parseRfc3339, rfc3339Nano } from "../content/timestamp.ts";
import { ExportError } from "./error.ts";
import { completeHistory, type LayerAge } from "./history.ts";

export interface ConfigLayer extends LayerAge {
  readonly diffId: DiffId;
}

/**
 * The frontend's configuration with what only the exporter knows: diff ids, history times, `created`.
 * Top-level members are sorted, as BuildKit's exporter writes them; the members below stay as the frontend wrote them.
 * Throws ExportError("usage") for what is no configuration of an image: a frontend may have returned anything.
 */
export function finishConfig(frontendConfig: Uint8Array, layers: readonly ConfigLayer[], epochNs: bigint | undefined): Uint8Array {
  const config = parseConfig(frontendConfig);
  const history = completeHistory(config.history ?? [], layers, epochNs);
  const created = clampedTime(config.created, epochNs) ?? history.findLast((entry) => entry.created !== undefined)?.created ?? null;
  const finished: Record<string, unknown> = {
    ...config,
    created,
    history: goList(history),
    rootfs: { type: "layers", diff_ids: goList(layers.map((layer) => layer.diffId)) },
  };
  return Buffer.from(goJson(Object.fromEntries(Object.entries(finished).toSorted(([a], [b]) => (a < b ? -1 : 1)))));
}

type FrontendConfig = Omit<ImageConfig, "rootfs"> & { readonly history?: readonly HistoryEntry[] };

function parseConfig(bytes: Uint8Array): FrontendConfig {
  let config: Partial<FrontendConfig> | null;
  try {
    // Unknown members pass through.
    config = JSON.parse(Buffer.from(bytes).toString("utf8")) as Partial<FrontendConfig> | null;
  } catch (error) {
    throw new ExportError("usage", `invalid image config for export: ${(error as Error).message}`, { cause: error });
  }
  if (config === null) throw new ExportError("usage", "invalid null image config for export");
  const { os = "", architecture = "" } = config;
  if (os === "") throw new ExportError("usage", "invalid image config for export: missing os");
  if (architecture === "") throw new ExportError("usage", "invalid image config for export: missing architecture");
  return { ...config, os, architecture };
}

function clampedTime(created: string | undefined, epochNs: bigint | undefined): string | undefined {
  if (created === undefined || epochNs === undefined) return created;
  try {
    return parseRfc3339(created) > epochNs ? rfc3339Nano(epochNs) : created;
  } catch (error) {
    throw new ExportError("usage", `failed to unmarshal creation time ${JSON.stringify(created)}`, { cause: error });
  }
}
