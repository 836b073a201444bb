import type { ComparedLayer } from "./compared-layer.ts";
import { entryDifferences, type PathDifference } from "./entry-differences.ts";
import { memberDifferences, type MemberDifference } from "./member-differences.ts";

/** One platform's image, with the bytes of its documents. */
export interface ComparedImage {
  /** From the base up. */
  readonly layers: readonly ComparedLayer[];
  readonly config: Uint8Array;
  readonly manifest: Uint8Array;
}

/** How two layers at one place differ. */
export type LayerDifference =
  | { readonly kind: "files"; readonly paths: readonly PathDifference[] }
  /** The same files in other bytes: headers of another form, or another padding. */
  | { readonly kind: "archive" }
  /** The same archive, compressed to other bytes. */
  | { readonly kind: "compression" };

/** How two images differ: what only follows from another difference (a digest, a size) is not told again. */
export interface ImageDifference {
  /** `index` counts from the base, from 0. */
  readonly layers: ReadonlyArray<{ readonly index: number; readonly difference: LayerDifference }>;
  /** Layers that one image has more than the other are in no list of files. */
  readonly layerCounts: readonly [first: number, second: number];
  readonly config: readonly MemberDifference[];
  readonly manifest: readonly MemberDifference[];
}

/** Undefined for images that are equal bit for bit. Layers of equal diff ids are not looked into. */
export async function imageDifference(first: ComparedImage, second: ComparedImage, signal: AbortSignal): Promise<ImageDifference | undefined> {
  const layers: Array<ImageDifference["layers"][number]> = [];
  for (const [index, layer] of first.layers.entries()) {
    const other = second.layers[index];
    const difference = other && (await layerDifference(layer, other, signal));
    if (difference !== undefined) layers.push({ index, difference });
  }
  const [config, manifest] = [memberDifferences(first.config, second.config), memberDifferences(first.manifest, second.manifest)];
  const counts = [first.layers.length, second.layers.length] as const;
  if (layers.length === 0 && config.length === 0 && manifest.length === 0 && counts[0] === counts[1]) return undefined;
  return { layers, layerCounts: counts, config: config.filter(({ path }) => !FOLLOWS_FROM_LAYERS.test(path)), manifest: manifest.filter(({ path }) => !FOLLOWS_FROM_PARTS.test(path)) };
}

const FOLLOWS_FROM_LAYERS = /^rootfs\.diff_ids\[\d+\]$/;
const FOLLOWS_FROM_PARTS = /^(?:config\.(?:digest|size)|layers\[\d+\](?:\.(?:digest|size))?)$/;

/** Undefined for layers whose bytes are the same. */
export async function layerDifference(first: ComparedLayer, second: ComparedLayer, signal: AbortSignal): Promise<LayerDifference | undefined> {
  if (first.diffId === second.diffId) return first.blob === second.blob ? undefined : { kind: "compression" };
  const paths = await entryDifferences(first, second, signal);
  return paths.length === 0 ? { kind: "archive" } : { kind: "files", paths };
}
