import type { LayerStore } from "./layer-store.ts";
import { imageLayerId } from "./layer.ts";

/**
 * A store that takes an image's layers from another store, where that has them, and not from where the image is:
 * bytes that are named by their digest are the same wherever they lie. All else it makes and keeps itself.
 */
export function borrowingLayerStore(store: LayerStore, lender: Pick<LayerStore, "find" | "exportTar" | "keepsArchive">): LayerStore {
  return {
    find: (id) => store.find(id),
    write: (members, signal) => store.write(members, signal),
    importTar: (diffId, tar, signal) => store.importTar(diffId, tar, signal),
    async importBlob(diffId, blob, wanted, signal) {
      const lent = lender.find(imageLayerId(diffId));
      if (lent === undefined) return await store.importBlob(diffId, blob, wanted, signal);
      if (await lender.keepsArchive(lent.id)) return await store.importTar(diffId, lender.exportTar(lent.id, signal, "lent"), signal);
      return (await store.importTree(diffId, lent, signal)) ?? (await store.importBlob(diffId, blob, wanted, signal));
    },
    importTree: (diffId, layer, signal) => store.importTree(diffId, layer, signal),
    keepsArchive: (id) => store.keepsArchive(id),
    exportTar: (id, signal, chunks) => store.exportTar(id, signal, chunks),
    diffId: (id, signal) => store.diffId(id, signal),
    mount: (chain, mode, signal) => store.mount(chain, mode, signal),
  };
}
