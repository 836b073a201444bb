import { join } from "node:path";
import { BuildHistory } from "../history/build-history.ts";
import { systemClock } from "../host/clock.ts";
import { Workspace } from "../snapshot/workspace.ts";
import { FileLeases } from "../syscall/file-leases.ts";
import { openFileBlobStore, type FileBlobStore } from "../store/file-blob-store.ts";
import { layerFacts, type LayerFacts } from "../store/layer-facts.ts";
import { openStateDatabase, type StateDatabase } from "../store/state-database.ts";
import { boundFacts } from "./fact-bounds.ts";

/** In a state root. */
export const HISTORY = "history";
export const WORK = "work";

/** What stays of builds under the state root; any number of processes may have it open. */
export interface State extends AsyncDisposable {
  readonly root: string;
  readonly database: StateDatabase;
  readonly blobs: FileBlobStore;
  readonly facts: LayerFacts;
  readonly history: BuildHistory;
  /** On what this process uses of the root, beside layers. */
  readonly leases: FileLeases;
  /** Ids of the cache mounts that steps had. */
  readonly usedCaches: Set<string>;
  /** Directories of this process alone; what a killed one left is swept when state is opened. */
  readonly workspace: Workspace;
}

/** `root` is a directory that is there, for our use only. Throws StateStorageError when it cannot be used, StateVersionError when it is written by a newer version. */
export async function openState(root: string): Promise<State> {
  await using opening = new AsyncDisposableStack();
  const workspace = opening.use(new Workspace(join(root, WORK)));
  const database = opening.use(openStateDatabase(join(root, "state.db")));
  opening.defer(() => boundFacts(database));
  const leases = opening.use(new FileLeases());
  let incoming: string | undefined;
  opening.defer(async () => {
    if (incoming !== undefined) await workspace.discard(incoming);
  });
  // Claimed when first needed: a build that the cache answers writes no blob.
  const blobs = await openFileBlobStore(join(root, "blobs"), () => (incoming ??= workspace.claim()), leases);
  const closing = opening.move();
  const history = new BuildHistory(join(root, HISTORY), workspace, systemClock);
  return { root, database, blobs, history, leases, usedCaches: new Set(), facts: layerFacts(database), workspace, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}
