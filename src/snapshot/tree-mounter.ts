import { chmodSync, closeSync, existsSync, mkdirSync, openSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Member } from "../archive/member.ts";
import { bytesOf } from "../content/bytes.ts";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import { tryLock } from "../syscall/lock.ts";
import type { ChangeRecorder } from "./change-recorder.ts";
import { CopiedTree } from "./copied-tree.ts";
import type { Durability } from "./durability.ts";
import { impliedDirectories } from "./implied-directories.ts";
import { LayerStoreError } from "./layer-store-error.ts";
import type { MountedTree } from "./layer-store.ts";
import type { LayerThreads } from "./layer-threads.ts";
import type { Layer, LayerId } from "./layer.ts";
import { overlayWorks } from "./overlay-mount.ts";
import { OverlayTree, overlayLayersMax, type MountMode } from "./overlay-tree.ts";
import { CONTAINER_ROOT, privilegeIn, takesWhiteouts, userWithIds, type Privilege } from "./privilege.ts";
import { LAYER_FILES, type StoredLayer } from "./stored-layer.ts";
import { TreeWriter } from "./tree-writer.ts";
import { unpackAsLower } from "./unpack.ts";
import type { Workspace } from "./workspace.ts";

/** How trees come about. `auto` is overlay where the machine can, else copy. `copy-as-root` is for who is root, and has no more of it than a container gives. */
export type Snapshotter = "auto" | "overlay" | "copy" | "copy-as-root";

export interface TreeMounterParts {
  readonly snapshotter: Snapshotter;
  readonly namespace: (signal: AbortSignal) => Promise<MountNamespace>;
  readonly workspace: Workspace;
  readonly durability: Durability;
  readonly threads: LayerThreads;
  /** Larger archives are unpacked there. */
  readonly threadsFromBytes: number;
  readonly keepTree: (tree: string, changes: ChangeRecorder, signal: AbortSignal) => Promise<Layer>;
  readonly write: (members: AsyncIterable<Member>, signal: AbortSignal) => Promise<Layer>;
}

/** Puts chains of layers where processes can use them. */
export class TreeMounter {
  readonly #parts: TreeMounterParts;
  readonly #unpacking: Map<LayerId, Promise<void>> = new Map();
  #privilege: Privilege | undefined;
  #takesWhiteouts: boolean | undefined;
  #overlayWorks: Promise<boolean> | undefined;

  constructor(parts: TreeMounterParts) {
    this.#parts = parts;
  }

  /** Has the tree of a layer ready, while others of its chain, of so many layers, may still be on their way. Where trees are copied there is nothing to do. */
  async prepare(layer: StoredLayer, chainLength: number, signal: AbortSignal): Promise<void> {
    if (layer.hasTree || !(await this.#useOverlay(chainLength, signal))) return;
    await this.#haveTree(layer, await this.#ownPrivilege(), signal);
  }

  /** What an image's layer can be made a tree with while it arrives; undefined where its archive has to be kept, since trees are copied, or what we may write does not say all. */
  async intakePrivilege(): Promise<Privilege | undefined> {
    if (this.#parts.snapshotter.startsWith("copy")) return undefined;
    const privilege = await this.#ownPrivilege();
    if (!privilege.isRoot) return undefined;
    this.#takesWhiteouts ??= await this.#inScratch(takesWhiteouts);
    return this.#takesWhiteouts ? privilege : undefined;
  }

  /** All layers were prepared. */
  async mount(layers: readonly StoredLayer[], mode: MountMode, signal: AbortSignal): Promise<MountedTree> {
    signal.throwIfAborted();
    const { workspace } = this.#parts;
    const locks = lockLayers(layers);
    const scratch = workspace.claim();
    const release = async (): Promise<void> => {
      for (const fd of locks) closeSync(fd);
      await workspace.discard(scratch);
    };
    let handedOver = false;
    try {
      const useOverlay = await this.#useOverlay(layers.length, signal);
      const privilege = await this.#privilegeOver(mode, await this.#ownPrivilege(), signal);
      const overlay = useOverlay ? await this.#overlayParts(layers, { scratch, privilege }, signal) : undefined;
      handedOver = true;
      if (overlay === undefined) {
        return await CopiedTree.make({ privilege, scratch, layers }, mode, { write: (members) => this.#parts.write(members, signal), release }, signal);
      }
      return await OverlayTree.mount(overlay, mode, { keep: (tree, changes) => this.#parts.keepTree(tree, changes, signal), release }, signal);
    } finally {
      if (!handedOver) await release();
    }
  }

  async #ownPrivilege(): Promise<Privilege> {
    this.#privilege ??= this.#parts.snapshotter === "copy-as-root" ? CONTAINER_ROOT : await this.#inScratch(privilegeIn);
    return this.#privilege;
  }

  async #inScratch<T>(probe: (directory: string) => T): Promise<T> {
    const scratch = this.#parts.workspace.claim();
    try {
      return probe(scratch);
    } finally {
      await this.#parts.workspace.discard(scratch);
    }
  }

  /** What is written in a tree is written by processes inside, whose ids are others. */
  async #privilegeOver(mode: MountMode, own: Privilege, signal: AbortSignal): Promise<Privilege> {
    return own.isRoot || mode === "read-only" ? own : userWithIds((await this.#parts.namespace(signal)).idMaps());
  }

  async #overlayParts(layers: readonly StoredLayer[], { scratch, privilege }: { scratch: string; privilege: Privilege }, signal: AbortSignal): Promise<Parameters<typeof OverlayTree.mount>[0]> {
    const summaries = await Promise.all(layers.map((layer) => layer.summary()));
    const rootLayer = layers[summaries.findLastIndex(({ saysRoot }) => saysRoot)];
    const trees = uppermost(layers).map((layer) => layer.path("tree"));
    const corrections = await impliedDirectories(layers, signal);
    if (corrections.length > 0) {
      const directory = join(scratch, "corrections");
      mkdirSync(directory);
      chmodSync(directory, 0o755);
      const writer = new TreeWriter(directory, "empty", privilege);
      for (const entry of corrections) writer.put(entry);
      await writer.finish(signal);
      trees.push(directory);
    }
    return {
      namespace: await this.#parts.namespace(signal),
      privilege,
      scratch,
      trees,
      hasWhiteouts: summaries.some(({ hasWhiteouts }) => hasWhiteouts),
      rootTree: rootLayer?.path("tree"),
    };
  }

  async #useOverlay(layers: number, signal: AbortSignal): Promise<boolean> {
    if (this.#parts.snapshotter !== "auto") return this.#parts.snapshotter === "overlay";
    // So many cannot be mounted by anybody; to write them out is slow, and works.
    if (layers > overlayLayersMax()) return false;
    this.#overlayWorks ??= this.#probe(signal).catch((error: unknown) => {
      this.#overlayWorks = undefined;
      throw error;
    });
    return await this.#overlayWorks;
  }

  async #probe(signal: AbortSignal): Promise<boolean> {
    const { workspace, namespace } = this.#parts;
    const scratch = workspace.claim();
    try {
      return await overlayWorks(await namespace(signal), scratch, await this.#ownPrivilege(), signal);
    } finally {
      await workspace.discard(scratch);
    }
  }

  /** Makes the directory form, once however many ask for it. */
  async #haveTree(layer: StoredLayer, privilege: Privilege, signal: AbortSignal): Promise<void> {
    while (!layer.hasTree) {
      const running = this.#unpacking.get(layer.id);
      if (running !== undefined) {
        // Whoever asked first may have been aborted; then it is our turn.
        await running.catch(() => undefined);
        signal.throwIfAborted();
        continue;
      }
      const unpacking = this.#unpack(layer, privilege, signal);
      this.#unpacking.set(layer.id, unpacking);
      try {
        await unpacking;
      } finally {
        this.#unpacking.delete(layer.id);
      }
    }
  }

  async #unpack(layer: StoredLayer, privilege: Privilege, signal: AbortSignal): Promise<void> {
    const { workspace, durability } = this.#parts;
    const claimed = workspace.claim();
    try {
      const tree = join(claimed, LAYER_FILES.tree);
      mkdirSync(tree);
      chmodSync(tree, 0o755);
      await this.#writeTree(layer, { tree, privilege }, signal);
      durability.mark(layer.id);
      try {
        renameSync(tree, layer.path("tree"));
      } catch (error) {
        // Another process was first; its tree is as good as ours.
        if (!existsSync(layer.path("tree"))) throw error;
      }
    } finally {
      await workspace.discard(claimed);
    }
  }

  async #writeTree(layer: StoredLayer, { tree, privilege }: { readonly tree: string; readonly privilege: Privilege }, signal: AbortSignal): Promise<void> {
    const { threads, threadsFromBytes } = this.#parts;
    const { id, directory } = layer;
    if ((await layer.summary()).tarBytes < threadsFromBytes) await unpackAsLower(layer, new TreeWriter(tree, "empty", privilege), signal);
    else await threads.carryOut({ kind: "unpack", layer: { id, directory }, tree, privilege: privilege.form }, bytesOf(), signal);
  }
}

/** Shared locks that keep layers from being removed by any process. */
function lockLayers(layers: readonly StoredLayer[]): readonly number[] {
  const locks: number[] = [];
  try {
    for (const layer of new Set(layers)) {
      const fd = openSync(layer.path("index"), "r");
      locks.push(fd);
      if (!tryLock(fd, "shared")) throw new LayerStoreError("missing-layer", `layer ${layer.id} is just being removed`);
    }
    return locks;
  } catch (error) {
    for (const fd of locks) closeSync(fd);
    throw error;
  }
}

/** Overlayfs takes no directory twice. Of a layer that is there several times, the uppermost shows all that the others could. */
function uppermost(layers: readonly StoredLayer[]): readonly StoredLayer[] {
  return layers.filter(({ id }, at) => layers.findLastIndex((other) => other.id === id) === at);
}
