import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openFileBlobStore, type FileBlobStore } from "../store/file-blob-store.ts";
import { layerFacts, type LayerFacts } from "../store/layer-facts.ts";
import { openStateDatabase, type StateDatabase } from "../store/state-database.ts";

/** What stays of builds under the state root; any number of processes may have it open. */
export interface State extends Disposable {
  readonly root: string;
  readonly database: StateDatabase;
  readonly blobs: FileBlobStore;
  readonly facts: LayerFacts;
}

/** `root` is made if it is not there. Throws StorageError when it cannot be, or is written by a newer version. */
export async function openState(root: string): Promise<State> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const database = openStateDatabase(join(root, "state.db"));
  const blobs = await openFileBlobStore(join(root, "blobs"));
  return { root, database, blobs, facts: layerFacts(database), [Symbol.dispose]: () => database[Symbol.dispose]() };
}
