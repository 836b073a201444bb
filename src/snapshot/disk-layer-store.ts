import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Member } from "../archive/member.ts";
import type { ByteStream, ChunkOwner } from "../content/blob-store.ts";
import { parseDigest, type Digest, type DiffId } from "../content/digest.ts";
import { verified } from "../content/verified.ts";
import { systemClock } from "../host/clock.ts";
import { randomId } from "../host/random.ts";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import { FileLeases, isHeld, unlessHeld } from "../syscall/file-leases.ts";
import type { ChangeRecorder } from "./change-recorder.ts";
import { Durability } from "./durability.ts";
import { exportTree } from "./export-tree.ts";
import { readFile } from "./file-bytes.ts";
import { presentLayer } from "./image-layer.ts";
import { readSummary, writeIndex, type LayerIndex } from "./layer-index.ts";
import { LayerStoreError } from "./layer-store-error.ts";
import type { LayerBytes, LayerStore, MountedTree } from "./layer-store.ts";
import { takeIn, type Intake } from "./layer-intake.ts";
import { LayerThreads } from "./layer-threads.ts";
import { keepTar, writeTarForm } from "./layer-writer.ts";
import { imageLayerId, type Layer, type LayerChain, type LayerId } from "./layer.ts";
import { copyTree, IntricateArchiveError } from "./tree-intake.ts";
import { writeUnsaid } from "./layer-notes.ts";
import { TreeMounter, type Snapshotter } from "./tree-mounter.ts";
import { removeTree } from "./remove-tree.ts";
import { LAYER_FILES, StoredLayer } from "./stored-layer.ts";
import { Workspace } from "./workspace.ts";

export interface LayerStoreOptions {
  /** Ours alone; made when it is not there. Overlayfs must be able to write on its file system. */
  readonly directory: string;
  readonly snapshotter: Snapshotter;
  /** Asked at the first mount, and not before; it stays the caller's, and must outlive the store's mounts. */
  readonly namespace: (signal: AbortSignal) => Promise<MountNamespace>;
  /** Layers of so many bytes are taken in, and unpacked, in threads of their own. */
  readonly threadsFromBytes?: number;
}

/** A thread takes some 50 to 100 ms to start, in which so much is done without one. */
const THREADS_FROM_BYTES = 4 * 1024 * 1024;

/** What a layer costs. */
export interface LayerUsage {
  readonly id: LayerId;
  readonly sizeBytes: number;
  /** When it was written, and when a process last looked into it, in milliseconds since the epoch. */
  readonly createdMs: number;
  readonly usedMs: number;
  /** Some process has found it and is not done yet. */
  readonly isInUse: boolean;
}

/** A layer store with what is needed to keep it small. */
export interface DiskLayerStore extends LayerStore, AsyncDisposable {
  /** What was found or made here so far. */
  used(): Iterable<LayerId>;
  list(): Promise<readonly LayerUsage[]>;
  /** False, and nothing done, when whatever other process uses the layer, this one has it mounted, or it is not there. `before` is called when it will go, and nobody can find it any more. */
  remove(id: LayerId, before: () => void): Promise<boolean>;
}

const ID_TEXT = /^[a-z0-9][a-z0-9-]*$/;

/**
 * Opens the layers in a directory. Files are the whole state: a layer is a directory that appears
 * by one rename, so that there is no second record that could disagree with it.
 */
export async function openLayerStore(options: LayerStoreOptions): Promise<DiskLayerStore> {
  const layers = join(options.directory, "layers");
  mkdirSync(layers, { recursive: true });
  const durability = new Durability(options.directory, systemClock);
  await durability.dropUnbelievable(layers);
  return new LayerDirectories(options, layers, durability);
}

class LayerDirectories implements DiskLayerStore {
  readonly #layers: string;
  readonly #workspace: Workspace;
  readonly #durability: Durability;
  readonly #mounter: TreeMounter;
  readonly #known: Map<LayerId, StoredLayer> = new Map();
  /** On the indexes of all layers that were found or written here: none is taken away before this store is closed. */
  readonly #leases = new FileLeases();
  readonly #threads = new LayerThreads();
  readonly #threadsFromBytes: number;

  constructor({ directory, snapshotter, namespace, threadsFromBytes = THREADS_FROM_BYTES }: LayerStoreOptions, layers: string, durability: Durability) {
    this.#layers = layers;
    this.#durability = durability;
    this.#threadsFromBytes = threadsFromBytes;
    this.#workspace = new Workspace(directory);
    this.#mounter = new TreeMounter({
      snapshotter,
      namespace,
      workspace: this.#workspace,
      durability: this.#durability,
      threads: this.#threads,
      threadsFromBytes,
      keepTree: (tree, changes, signal) => this.#keepTree(tree, changes, signal),
      write: (members, signal) => this.write(members, signal),
    });
  }

  find(id: LayerId): StoredLayer | undefined {
    const directory = join(this.#layers, id);
    if (!ID_TEXT.test(id) || !this.#leases.hold(join(directory, LAYER_FILES.index))) return undefined;
    return this.#known.get(id) ?? this.#remember(new StoredLayer(id, directory));
  }

  async write(members: AsyncIterable<Member>, signal: AbortSignal): Promise<Layer> {
    return await this.#add(newLayerId(), (directory) => writeTarForm(directory, members, signal));
  }

  async importTar(diffId: DiffId, tar: ByteStream, signal: AbortSignal): Promise<Layer> {
    const id = imageLayerId(diffId);
    return this.find(id) ?? (await this.#add(id, (directory) => keepTar(directory, diffId, tar, signal)));
  }

  async importBlob(diffId: DiffId, blob: LayerBytes, wanted: "archive" | "tree", signal: AbortSignal): Promise<Layer> {
    const id = imageLayerId(diffId);
    const privilege = wanted === "tree" ? await this.#mounter.intakePrivilege() : undefined;
    return this.find(id) ?? (await this.#add(id, (directory) => this.#takeIn({ directory, diffId, privilege }, blob, signal)));
  }

  async importTree(diffId: DiffId, layer: Layer, signal: AbortSignal): Promise<Layer | undefined> {
    const id = imageLayerId(diffId);
    const privilege = await this.#mounter.intakePrivilege();
    return this.find(id) ?? (privilege === undefined ? undefined : await this.#add(id, (directory) => copyTree({ directory, privilege }, layer, signal)));
  }

  async keepsArchive(id: LayerId): Promise<boolean> {
    return (await this.#require(id).summary()).form === "tar";
  }

  async *exportTar(id: LayerId, signal: AbortSignal, chunks: ChunkOwner = "kept"): ByteStream {
    const layer = this.#require(id);
    const { form, tarBytes } = await layer.summary();
    if (form === "tar") {
      // A diff id is the digest of the uncompressed tar.
      yield* verified(readFile({ path: layer.path("tar"), sizeBytes: tarBytes }, signal, chunks), (await this.diffId(id, signal)) as string as Digest, tarBytes);
      return;
    }
    yield* exportTree(layer, (diffId) => this.#saveDiffId(layer, diffId), signal, chunks);
  }

  async diffId(id: LayerId, signal: AbortSignal): Promise<DiffId> {
    const layer = this.#require(id);
    if (!existsSync(layer.path("diffId"))) {
      for await (const _chunk of this.exportTar(id, signal, "lent")) signal.throwIfAborted();
    }
    return parseDigest(readFileSync(layer.path("diffId"), "latin1")) as string as DiffId;
  }

  async mount(chain: LayerChain, mode: "read-only" | "writable", signal: AbortSignal): Promise<MountedTree> {
    // Several at a time: while one is fetched, another is unpacked.
    const layers = await Promise.all(chain.map(async (layer) => {
      const stored = this.#require((await presentLayer(layer, this, signal)).id);
      await this.#mounter.prepare(stored, chain.length, signal);
      return stored;
    }));
    return await this.#mounter.mount(layers, mode, signal);
  }

  used(): Iterable<LayerId> {
    return this.#known.keys();
  }

  async list(): Promise<readonly LayerUsage[]> {
    // Names of layers are their ids.
    const ids = (await readdir(this.#layers)) as LayerId[];
    const usages = await Promise.all(ids.map((id) => usageOf(id, join(this.#layers, id))));
    return usages.filter((usage) => usage !== undefined);
  }

  async remove(id: LayerId, before: () => void): Promise<boolean> {
    const directory = join(this.#layers, id);
    const index = join(directory, LAYER_FILES.index);
    // What this store itself only knows of is not in its way.
    this.#leases.release(index);
    const removed = ID_TEXT.test(id) && (await unlessHeld(index, async () => {
      before();
      this.#known.get(id)?.close();
      this.#known.delete(id);
      await this.#workspace.drop(directory);
      return true;
    }));
    if (removed !== true && this.#known.has(id)) this.#leases.hold(index);
    return removed === true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const layer of this.#known.values()) layer.close();
    this.#known.clear();
    await this.#threads[Symbol.asyncDispose]();
    this.#leases[Symbol.dispose]();
    await this.#workspace[Symbol.asyncDispose]();
    await this.#durability[Symbol.asyncDispose]();
  }

  async #takeIn(intake: Intake, blob: LayerBytes, signal: AbortSignal): Promise<LayerIndex | undefined> {
    try {
      return await this.#takeInAs(intake, blob, signal);
    } catch (error) {
      if (!(error instanceof IntricateArchiveError)) throw error;
    }
    // Nobody builds such archives on purpose: to fetch one again is simpler than to have all of them in two forms.
    await removeTree(join(intake.directory, LAYER_FILES.tree));
    return await this.#takeInAs({ ...intake, privilege: undefined }, blob, signal);
  }

  async #takeInAs(intake: Intake, { open, sizeBytes }: LayerBytes, signal: AbortSignal): Promise<LayerIndex | undefined> {
    if (sizeBytes < this.#threadsFromBytes) return await takeIn(intake, open(signal), signal);
    await this.#threads.carryOut({ kind: "take-in", intake: { ...intake, privilege: intake.privilege?.form } }, open(signal), signal);
    return undefined;
  }

  async #keepTree(tree: string, changes: ChangeRecorder, signal: AbortSignal): Promise<Layer> {
    const { entries, hasWhiteouts, unsaid } = changes;
    const index: LayerIndex = {
      form: "directory", entries, offsets: [], hasWhiteouts, impliesDirectories: false, saysRoot: true,
      contentBytes: entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), tarBytes: 0,
    };
    return await this.#add(newLayerId(), async (directory) => {
      renameSync(tree, join(directory, LAYER_FILES.tree));
      await writeUnsaid(directory, unsaid, signal);
      await writeIndex(join(directory, LAYER_FILES.index), index, signal);
      return index;
    });
  }

  /** Fills a directory of ours and gives it its name once all is there. An index that is not at hand is read when it is asked for. */
  async #add(id: LayerId, fill: (directory: string) => Promise<LayerIndex | undefined>): Promise<StoredLayer> {
    const claimed = this.#workspace.claim();
    try {
      const index = await fill(claimed);
      const directory = join(this.#layers, id);
      this.#durability.mark(id);
      // Held before others can see it.
      const [unseen, seen] = [join(claimed, LAYER_FILES.index), join(directory, LAYER_FILES.index)];
      this.#leases.hold(unseen);
      if (!renameInto(claimed, directory)) {
        this.#leases.release(unseen);
        return this.#require(id);
      }
      this.#leases.moved(unseen, seen);
      return this.#remember(new StoredLayer(id, directory, index));
    } finally {
      await this.#workspace.discard(claimed);
    }
  }

  #remember(layer: StoredLayer): StoredLayer {
    this.#known.set(layer.id, layer);
    const now = systemClock.now();
    utimesSync(layer.directory, now, now);
    return layer;
  }

  #require(id: LayerId): StoredLayer {
    const layer = this.find(id);
    if (layer === undefined) throw new LayerStoreError("missing-layer", `layer ${id} is not in the store; it may have been pruned`);
    return layer;
  }

  #saveDiffId(layer: StoredLayer, diffId: DiffId): void {
    const claimed = this.#workspace.claim();
    writeFileSync(join(claimed, LAYER_FILES.diffId), diffId);
    renameSync(join(claimed, LAYER_FILES.diffId), layer.path("diffId"));
    rmdirSync(claimed);
  }
}

/** Undefined when another process has just removed it. */
async function usageOf(id: LayerId, directory: string): Promise<LayerUsage | undefined> {
  try {
    const { contentBytes, tarBytes } = await readSummary(join(directory, LAYER_FILES.index));
    const treeBytes = existsSync(join(directory, LAYER_FILES.tree)) ? contentBytes : 0;
    const index = join(directory, LAYER_FILES.index);
    return { id, sizeBytes: tarBytes + treeBytes, createdMs: statSync(index).mtimeMs, usedMs: statSync(directory).mtimeMs, isInUse: isHeld(index) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** False when another process was first. */
function renameInto(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

function newLayerId(): LayerId {
  return randomId() as LayerId;
}
