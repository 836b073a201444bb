import { createHash } from "node:crypto";
import { createReadStream, type BigIntStats } from "node:fs";
import { joinPath } from "../archive/entry-path.ts";
import type { DiskTree } from "./disk-tree.ts";
import type { TreeBefore } from "./same-file.ts";
import { TimeSlice } from "../content/time-slice.ts";
import type { TreeView } from "./tree-view.ts";

const CAPABILITY = "security.capability";

interface Remembered {
  readonly stat: BigIntStats;
  readonly names: readonly string[];
  readonly linkTarget: string | undefined;
  readonly capability: Buffer | undefined;
}

/** A tree on disk as it was when it was looked at: for comparing it with itself after somebody wrote to it. */
export class RememberedTree implements TreeBefore {
  readonly #files: ReadonlyMap<string, Remembered>;
  /** The same tree in memory, which knows the digests of contents. */
  readonly #merged: TreeView;

  private constructor(files: ReadonlyMap<string, Remembered>, merged: TreeView) {
    this.#files = files;
    this.#merged = merged;
  }

  static async of(tree: DiskTree, merged: TreeView, signal: AbortSignal): Promise<RememberedTree> {
    const files = new Map<string, Remembered>();
    const slice = new TimeSlice();
    const pending = [""];
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      if (slice.isSpent) await slice.renew(signal);
      const stat = tree.stat(path);
      if (stat === undefined) continue;
      const names = stat.isDirectory() ? tree.names(path) : [];
      const linkTarget = stat.isSymbolicLink() ? tree.linkTarget(path) : undefined;
      files.set(path, { stat, names, linkTarget, capability: tree.xattr(path, CAPABILITY) });
      for (const name of names) pending.push(joinPath(path, name));
    }
    return new RememberedTree(files, merged);
  }

  stat(path: string): BigIntStats | undefined {
    return this.#files.get(path)?.stat;
  }

  names(path: string): readonly string[] {
    return this.#files.get(path)?.names ?? [];
  }

  linkTarget(path: string): string | undefined {
    return this.#files.get(path)?.linkTarget;
  }

  xattr(path: string, name: string): Buffer | undefined {
    return name === CAPABILITY ? this.#files.get(path)?.capability : undefined;
  }

  async hasContentOf(path: string, after: DiskTree, signal: AbortSignal): Promise<boolean> {
    const [before, now] = [this.stat(path), after.stat(path)];
    // The kernel changes it with every write, and nobody else can.
    if (before !== undefined && before.ino === now?.ino && before.ctimeNs === now.ctimeNs) return true;
    const node = this.#merged.lookup(path);
    if (node === undefined) return false;
    const sum = createHash("sha256");
    for await (const chunk of createReadStream(after.path(path), { highWaterMark: 1024 * 1024, signal }) as AsyncIterable<Buffer>) sum.update(chunk);
    return `sha256:${sum.digest("hex")}` === (await node.layer.contentDigest(node.stored, signal));
  }
}
