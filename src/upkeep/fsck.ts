import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseEventLog } from "../history/event-log.ts";
import { layerProblem } from "../snapshot/check-layer.ts";
import type { LayerId } from "../snapshot/layer.ts";
import { unlessHeld } from "../syscall/file-leases.ts";
import { forgetLayer, isImageLayer, layersOf } from "./forget-removed.ts";
import type { OpenStore } from "./open-store.ts";

/** One thing that is not what was written. */
export interface Damage {
  readonly kind: "blob" | "layer" | "record" | "database" | "build";
  readonly name: string;
  readonly problem: string;
  /** Takes it away, so that it is made again; false where a process uses it. */
  readonly repair: () => Promise<boolean>;
}

export interface Checked {
  readonly blobs: number;
  readonly layers: number;
  readonly records: number;
  /** Of the history. */
  readonly builds: number;
}

/** Reads all that the store holds, and tells what is damaged. Nothing is changed. */
export async function findDamage(store: OpenStore, onDamage: (damage: Damage) => Promise<void>, signal: AbortSignal): Promise<Checked> {
  const blobs = await checkBlobs(store, onDamage, signal);
  const layers = await checkLayers(store, onDamage, signal);
  const records = await checkRecords(store, onDamage);
  const builds = await checkBuilds(store, onDamage);
  return { blobs, layers, records, builds };
}

async function checkBlobs({ root }: OpenStore, onDamage: (damage: Damage) => Promise<void>, signal: AbortSignal): Promise<number> {
  const directory = join(root, "blobs", "sha256");
  const names = existsSync(directory) ? readdirSync(directory) : [];
  for (const name of names) {
    const path = join(directory, name);
    const problem = await blobProblem(path, name, signal);
    if (problem !== undefined) await onDamage({ kind: "blob", name: `sha256:${name}`, problem, repair: async () => (await unlessHeld(path, async () => removed(path))) ?? !existsSync(path) });
  }
  return names.length;
}

/** What keeps us from reading and says nothing of what is stored; a repair would remove what is whole. */
const NO_DAMAGE: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EMFILE", "ENFILE", "ENOMEM"]);

function damageBy(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && NO_DAMAGE.has(String(error.code))) throw error;
  return error.message;
}

async function blobProblem(path: string, name: string, signal: AbortSignal): Promise<string | undefined> {
  const sum = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, signal }) as AsyncIterable<Buffer>) sum.update(chunk);
  } catch (error) {
    signal.throwIfAborted();
    // Another process has taken it away meanwhile.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    return damageBy(error);
  }
  const hex = sum.digest("hex");
  return hex === name ? undefined : `its bytes are sha256:${hex}`;
}

async function checkLayers(store: OpenStore, onDamage: (damage: Damage) => Promise<void>, signal: AbortSignal): Promise<number> {
  const parent = join(store.root, "layers", "layers");
  const names = readdirSync(parent);
  for (const name of names) {
    const directory = join(parent, name);
    // A name there is that of a layer, or of nothing of ours.
    const id = name as LayerId;
    const problem = await layerProblem(id, directory, signal);
    if (problem === undefined || !existsSync(directory)) continue;
    await onDamage({ kind: "layer", name, problem, repair: async () => (await store.layers.remove(id, () => forgetLayer(store.database, id))) || (await dropUnfindable(store, directory)) });
  }
  return names.length;
}

/** Without its index nobody can find a layer, and so nobody uses it. */
async function dropUnfindable({ workspace }: OpenStore, directory: string): Promise<boolean> {
  if (existsSync(join(directory, "index"))) return false;
  await workspace.drop(directory);
  return true;
}

/** What the database says must be what it was written for, and speak of what is there. */
async function checkRecords(store: OpenStore, onDamage: (damage: Damage) => Promise<void>): Promise<number> {
  const { database, root } = store;
  const records = database.cacheRecords();
  for (const [key, value] of records) {
    const problem = recordProblem(root, value);
    if (problem !== undefined) await onDamage({ kind: "record", name: key, problem, repair: async () => done(() => database.removeCacheRecord(key, value)) });
  }
  for (const kind of ["layer-blob", "layer-step", "step-key", "invocation"]) {
    for (const [name, value] of database.facts(kind)) {
      const problem = parses(value) ? undefined : "is no JSON";
      if (problem !== undefined) await onDamage({ kind: "record", name: `${kind} ${name}`, problem, repair: async () => done(() => database.removeFact(kind, name)) });
    }
  }
  return records.length;
}

function recordProblem(root: string, value: string): string | undefined {
  try {
    const gone = layersOf(value).find((id) => !isImageLayer(id) && !existsSync(join(root, "layers", "layers", id)));
    return gone === undefined ? undefined : `names layer ${gone}, which is not there`;
  } catch (error) {
    return `is no record: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function checkBuilds({ builds }: OpenStore, onDamage: (damage: Damage) => Promise<void>): Promise<number> {
  const ids = builds.ids();
  for (const id of ids) {
    const problem = buildProblem(builds, id);
    if (problem !== undefined) await onDamage({ kind: "build", name: id, problem, repair: () => builds.remove(id) });
  }
  return ids.length;
}

function buildProblem(builds: OpenStore["builds"], id: string): string | undefined {
  try {
    const { log } = builds.load(id);
    for (const _event of parseEventLog(log));
    return undefined;
  } catch (error) {
    return damageBy(error);
  }
}

function removed(path: string): boolean {
  rmSync(path);
  return true;
}

function done(work: () => void): boolean {
  work();
  return true;
}

