import { chmodSync, chownSync, lstatSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import { ChangeRecorder } from "./change-recorder.ts";
import { DiskTree } from "./disk-tree.ts";
import type { MountedTree } from "./layer-store.ts";
import type { Layer } from "./layer.ts";
import { LINKS_PARENT, lowerDirectoriesMax, mountOverlay } from "./overlay-mount.ts";
import type { Privilege } from "./privilege.ts";
import { diffUpper } from "./upper-diff.ts";

/** The six random characters that mkdtemp adds, and one of ours. */
const LINKS_NAME_BYTES = "/s123456".length;

function namedAtOnceMax(): number {
  return lowerDirectoriesMax(Buffer.byteLength(LINKS_PARENT) + LINKS_NAME_BYTES);
}

/** Layers that can be mounted as one tree: those at the bottom are one overlay of their own, which takes a place in that above, and the corrections take one. */
export function overlayLayersMax(): number {
  return 2 * namedAtOnceMax() - 2;
}

/** What a tree is put together from. */
export interface OverlayParts {
  readonly namespace: MountNamespace;
  readonly privilege: Privilege;
  /** Empty, ours, on the file system of the layers. */
  readonly scratch: string;
  /** Trees of the layers from the base up. */
  readonly trees: readonly string[];
  /** Some layer takes something away, so that its tree alone is not what it looks like. */
  readonly hasWhiteouts: boolean;
  /** Whose owner the root has, undefined for root; its mode is never a step's before, as in BuildKit. */
  readonly rootTree: string | undefined;
}

export type MountMode = "read-only" | "writable";

/** What becomes of a tree at its end. */
export interface TreeEnd {
  /** Takes a directory in as a layer's tree. */
  readonly keep: (tree: string, changes: ChangeRecorder) => Promise<Layer>;
  /** Called once, when nothing is mounted any more. */
  readonly release: () => Promise<void>;
}

/** A chain of layers mounted as one tree, by overlayfs. */
export class OverlayTree implements MountedTree {
  readonly rootPath: string;
  readonly viewPath: string;
  readonly #parts: OverlayParts;
  readonly #end: TreeEnd;
  readonly #mode: MountMode;
  readonly #upper: string;
  /** Mount points in use, in the order in which they were mounted. */
  readonly #mounted: string[] = [];
  #released = false;

  private constructor(parts: OverlayParts, mode: MountMode, end: TreeEnd) {
    this.#mode = mode;
    this.#parts = parts;
    this.#end = end;
    this.rootPath = join(parts.scratch, "root");
    this.viewPath = parts.namespace.viewPath(this.rootPath);
    this.#upper = join(parts.scratch, "upper");
  }

  static async mount(parts: OverlayParts, mode: MountMode, end: TreeEnd, signal: AbortSignal): Promise<OverlayTree> {
    const tree = new OverlayTree(parts, mode, end);
    try {
      if (mode === "writable") await tree.#mountWritable(signal);
      else await tree.#mountReadOnly(tree.rootPath, signal);
    } catch (error) {
      await tree[Symbol.asyncDispose]();
      throw error;
    }
    return tree;
  }

  async commit(signal: AbortSignal): Promise<Layer> {
    if (this.#mode !== "writable" || !this.#mounted.includes(this.rootPath)) throw new Error("only a writable tree that is mounted can be committed, and only once");
    await this.#unmount(this.rootPath);
    const changes = await this.#changes(signal);
    const tree = join(this.#parts.scratch, "committed");
    renameSync(this.#upper, tree);
    return await this.#end.keep(tree, changes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    for (const target of this.#mounted.toReversed()) await this.#unmount(target);
    await this.#end.release();
  }

  async #changes(signal: AbortSignal): Promise<ChangeRecorder> {
    const { privilege, namespace, scratch } = this.#parts;
    const upper = new DiskTree(this.#upper);
    const recorder = new ChangeRecorder(upper, privilege);
    if (upper.names("").length === 0) return recorder;
    const base = join(scratch, "base");
    await this.#mountReadOnly(base, signal);
    await diffUpper({ upper, base: new DiskTree(namespace.viewPath(base)), recorder }, signal);
    await this.#unmount(base);
    return recorder;
  }

  async #mountWritable(signal: AbortSignal): Promise<void> {
    const { scratch, rootTree, privilege } = this.#parts;
    const work = join(scratch, "work");
    for (const path of [this.rootPath, this.#upper, work]) mkdirSync(path);
    chmodSync(this.#upper, 0o755);
    if (rootTree !== undefined) {
      const { uid, gid } = lstatSync(rootTree);
      if (privilege.isRoot) chownSync(this.#upper, uid, gid);
    }
    const lower = await this.#lower(1, signal);
    await this.#mountOverlay({ lower, writable: { upper: this.#upper, work }, target: this.rootPath }, signal);
  }

  async #mountReadOnly(target: string, signal: AbortSignal): Promise<void> {
    const { namespace, trees, hasWhiteouts } = this.#parts;
    mkdirSync(target);
    chmodSync(target, 0o755);
    const [only = target, ...others] = trees;
    if (others.length === 0 && !hasWhiteouts) {
      await namespace.mount({ type: "bind", source: only, target, readOnly: true, data: "" }, signal);
      this.#mounted.push(target);
      return;
    }
    await this.#mountOverlay({ lower: await this.#lower(2, signal), writable: undefined, target }, signal);
  }

  /** Lower directories with the topmost first: `atLeast` so many, and no more than one mount can name. */
  async #lower(atLeast: number, signal: AbortSignal): Promise<readonly string[]> {
    const trees = [...this.#parts.trees];
    for (let missing = atLeast - trees.length; missing > 0; missing -= 1) trees.unshift(this.#directory(`empty-${missing}`));
    const most = namedAtOnceMax();
    if (trees.length <= most) return trees.toReversed();
    // At the very bottom nothing shines through, so that the lowest layers may be one overlay of their own.
    const bottom = join(this.#parts.scratch, "bottom");
    if (!this.#mounted.includes(bottom)) {
      await this.#mountOverlay({ lower: trees.slice(0, most).toReversed(), writable: undefined, target: this.#directory("bottom") }, signal);
    }
    return [...trees.slice(most).toReversed(), bottom];
  }

  #directory(name: string): string {
    const path = join(this.#parts.scratch, name);
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o755);
    return path;
  }

  async #mountOverlay(overlay: Parameters<typeof mountOverlay>[1], signal: AbortSignal): Promise<void> {
    await mountOverlay(this.#parts.namespace, overlay, this.#parts.privilege, signal);
    this.#mounted.push(overlay.target);
  }

  async #unmount(target: string): Promise<void> {
    const at = this.#mounted.indexOf(target);
    if (at < 0) return;
    this.#mounted.splice(at, 1);
    await this.#parts.namespace.unmount(target);
  }
}
