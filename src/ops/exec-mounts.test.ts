import assert from "node:assert/strict";
import { mkdirSync, mkdtempDisposableSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { CacheSharingOpt, MountSchema, MountType, message, type Mount } from "../llb/op.ts";
import { NO_NAMESPACE } from "../namespace/no-namespace.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import { openLayerStore } from "../snapshot/disk-layer-store.ts";
import { file, members } from "../testing/layer-samples.ts";
import { ExecMounts, type MountServices } from "./exec-mounts.ts";

const skip = process.geteuid?.() === 0 ? false : "needs root";
const never = new AbortController().signal;

/** A locked cache, which starts with what the only input holds. */
function cache(id: string, dest: string, sharing: CacheSharingOpt = CacheSharingOpt.LOCKED): Mount {
  return message(MountSchema, { mountType: MountType.CACHE, dest, input: 0n, output: -1n, selector: "", cacheOpt: { ID: id, sharing } });
}

/** `onFill` is waited for when a step has a new cache, and before it asks for the next one. */
async function withCaches(onFill: () => Promise<void>, work: (add: (mounts: ExecMounts, ...asked: readonly Mount[]) => Promise<void>, open: () => ExecMounts) => Promise<void>): Promise<void> {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-exec-mounts-"));
  await using layers = await openLayerStore({ directory: join(scratch.path, "layers"), snapshotter: "copy-as-root", namespace: async () => NO_NAMESPACE });
  const chain = [await layers.write(members(file("seed", "content")), never)];
  const asked: LayerStore = {
    find: (id) => layers.find(id), write: (...args) => layers.write(...args), importTar: (...args) => layers.importTar(...args), importBlob: (...args) => layers.importBlob(...args), importTree: (...args) => layers.importTree(...args), keepsArchive: (...args) => layers.keepsArchive(...args), exportTar: (...args) => layers.exportTar(...args), diffId: (...args) => layers.diffId(...args),
    async mount(...args) {
      await onFill();
      return await layers.mount(...args);
    },
  };
  const scratchDirectory = join(scratch.path, "step");
  mkdirSync(scratchDirectory);
  // Of a session nothing is asked here.
  const session = {} as MountServices["session"];
  const open = (): ExecMounts => new ExecMounts({ layers: asked, session, namespace: async () => NO_NAMESPACE, cacheDirectory: join(scratch.path, "caches"), onCacheUsed: () => undefined, withoutNamespaces: false, scratchDirectory });
  await work((mounts, ...caches) => mounts.add(caches, [chain], AbortSignal.timeout(20_000)), open);
}

test("two steps that lock the same caches, each in an order of its own, do not wait for each other", { skip }, async () => {
  let fills = 0;
  let other: Promise<void> = Promise.resolve();
  const onFill = async (): Promise<void> => {
    // The first has one of them: now comes the other, which gets one too or waits, and only then the first goes on.
    if (++fills === 1) await Promise.race([startOther(), delay(300)]);
    else otherHasOne();
  };
  let startOther = (): Promise<void> => Promise.resolve();
  let otherHasOne = (): void => undefined;
  await withCaches(onFill, async (add, open) => {
    await using second = open();
    startOther = () => new Promise((resolve) => {
      otherHasOne = resolve;
      other = add(second, cache("b", "/1"), cache("a", "/2"));
    });
    {
      await using first = open();
      await add(first, cache("a", "/1"), cache("b", "/2"));
      assert.deepEqual(first.sandboxMounts.map(({ destination }) => destination), ["/1", "/2"]);
    }
    await other;
    assert.deepEqual(second.sandboxMounts.map(({ destination }) => destination), ["/1", "/2"]);
  });
});

test("a step that has a locked cache at two places does not wait for itself", { skip }, async () => {
  await withCaches(async () => undefined, async (add, open) => {
    await using mounts = open();
    await add(mounts, cache("a", "/1"), cache("a", "/2"));
    const [first, second] = mounts.sandboxMounts.map((mount) => (mount.kind === "bind" ? mount.source : ""));
    assert.equal(first, second);
    assert.deepEqual(readdirSync(first ?? ""), ["seed"]);
  });
});

test("a private cache is another one at each place of a step", { skip }, async () => {
  await withCaches(async () => undefined, async (add, open) => {
    await using mounts = open();
    await add(mounts, cache("a", "/1", CacheSharingOpt.PRIVATE), cache("a", "/2", CacheSharingOpt.PRIVATE));
    const sources = mounts.sandboxMounts.map((mount) => (mount.kind === "bind" ? mount.source : ""));
    assert.equal(new Set(sources).size, 2, sources.join());
  });
});
