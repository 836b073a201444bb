import { existsSync } from "node:fs";
import { join } from "node:path";
import { LAYER_FACT } from "../store/layer-facts.ts";
import type { StateDatabase } from "../store/state-database.ts";
import type { OpenStore } from "./open-store.ts";

/**
 * Takes records away that speak of layers that are gone. They were no answers any more; they only took room. Layers of images are left:
 * a record may name one that was never fetched.
 */
export function forgetRemoved({ root, database }: Pick<OpenStore, "root" | "database">): void {
  const isGone = (id: string): boolean => !isImageLayer(id) && !existsSync(join(root, "layers", "layers", id));
  for (const [key, value] of database.cacheRecords()) if (layersOf(value).some(isGone)) database.removeCacheRecord(key, value);
  for (const kind of Object.values(LAYER_FACT)) {
    for (const [name] of database.facts(kind)) if (isGone(name.split(" ")[0] ?? "")) database.removeFact(kind, name);
  }
}

/** What builds have used of images, with its layers. */
export const IMAGE_USED = "image-used";

/** Takes the records away that name a layer which is about to go: who is killed in between leaves none that names what is not there. Layers of images are left, as above. */
export function forgetLayer(database: StateDatabase, id: string): void {
  if (isImageLayer(id)) for (const [name, value] of database.facts(IMAGE_USED)) if (value.includes(id)) database.removeFact(IMAGE_USED, name);
  if (!isImageLayer(id)) for (const [key, value] of database.cacheRecordsWith(id)) database.removeCacheRecord(key, value);
}

export function isImageLayer(id: string): boolean {
  return id.startsWith("sha256-");
}

/** The layers that a record of cache/layer-result-cache.ts names. Throws SyntaxError or TypeError for what is no record. */
export function layersOf(record: string): readonly string[] {
  // Written there.
  const { results } = JSON.parse(record) as { readonly results: ReadonlyArray<readonly string[]> };
  return results.flat();
}
