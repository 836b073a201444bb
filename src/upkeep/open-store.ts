import { existsSync } from "node:fs";
import { join } from "node:path";
import { BuildHistory } from "../history/build-history.ts";
import { systemClock } from "../host/clock.ts";
import { openLayerStore, type DiskLayerStore } from "../snapshot/disk-layer-store.ts";
import { Workspace } from "../snapshot/workspace.ts";
import { layerFacts, type LayerFacts } from "../store/layer-facts.ts";
import { openStateDatabase, type StateDatabase } from "../store/state-database.ts";

/** A state root as who tidies it sees it: nothing is built in it, so nothing is mounted. */
export interface OpenStore extends AsyncDisposable {
  readonly root: string;
  readonly database: StateDatabase;
  readonly facts: LayerFacts;
  readonly layers: DiskLayerStore;
  readonly workspace: Workspace;
  readonly builds: BuildHistory;
}

/** Undefined where nothing was ever built in `root`. Throws StateStorageError for a database that is damaged. */
export async function openStore(root: string): Promise<OpenStore | undefined> {
  if (!existsSync(join(root, "layers"))) return undefined;
  await using opening = new AsyncDisposableStack();
  const workspace = opening.use(new Workspace(join(root, "work")));
  const database = opening.use(openStateDatabase(join(root, "state.db")));
  const layers = opening.use(await openLayerStore({ directory: join(root, "layers"), snapshotter: "copy", namespace: () => Promise.reject(new RangeError("nothing is mounted for upkeep")) }));
  const closing = opening.move();
  const builds = new BuildHistory(join(root, "history"), workspace, systemClock);
  return { root, database, builds, facts: layerFacts(database), layers, workspace, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}
