import { decompress } from "../archive/decompress.ts";
import type { ByteStream } from "../content/blob-store.ts";
import type { DiffId } from "../content/digest.ts";
import type { LayerIndex } from "./layer-index.ts";
import { keepTar } from "./layer-writer.ts";
import type { Privilege } from "./privilege.ts";
import { keepTree } from "./tree-intake.ts";

/** Where an image's layer goes, and as what. */
export interface Intake<P = Privilege> {
  /** Empty. */
  readonly directory: string;
  readonly diffId: DiffId;
  /** The layer becomes a tree, written with it; undefined for one that is kept as the archive that it is. */
  readonly privilege: P | undefined;
}

/** Takes in an image's layer, as the image has its bytes. Throws as `keepTar` and `keepTree` do, and ArchiveError for what is damaged. */
export async function takeIn({ directory, diffId, privilege }: Intake, bytes: ByteStream, signal: AbortSignal): Promise<LayerIndex> {
  const tar = decompress(bytes);
  return privilege === undefined ? await keepTar(directory, diffId, tar, signal) : await keepTree({ directory, diffId, privilege }, tar, signal);
}
