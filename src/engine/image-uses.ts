import type { ImageUses } from "../ops/source-image.ts";
import type { StateDatabase } from "../store/state-database.ts";
import { IMAGE_USED } from "../upkeep/forget-removed.ts";

/** For all builds of this state root, until a layer of the image is removed. */
export function imageUses(database: StateDatabase): ImageUses {
  return {
    had: (name) => database.fact(IMAGE_USED, name) !== undefined,
    save: (name, chain) => database.saveFact(IMAGE_USED, name, JSON.stringify(chain.map(({ id }) => id))),
  };
}
