import assert from "node:assert/strict";
import { lstatSync, mkdirSync, mkdtempDisposableSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { ArchiveError } from "../archive/archive-error.ts";
import { CorruptBlobError } from "../content/blob-store.ts";
import { bytesOf } from "../content/bytes.ts";
import { digestOf, type DiffId } from "../content/digest.ts";
import { randomHostileTar } from "../testing/hostile-tar.ts";
import { LayerStoreError } from "./layer-store-error.ts";
import type { LayerStore } from "./layer-store.ts";
import { openLayerStore } from "./disk-layer-store.ts";
import { TreeError } from "./tree-error.ts";
import { Tree } from "./tree.ts";

const ROUNDS = 300;
const OURS = [ArchiveError, CorruptBlobError, TreeError, LayerStoreError];
const signal = new AbortController().signal;

test("hostile layers over each other are refused with an error of ours, or stay in their tree, in memory and on disk", async () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-hostile-"));
  const outside = join(scratch.path, "outside");
  const mark = basename(scratch.path).replace("stemma-hostile", "");
  mkdirSync(outside);
  writeFileSync(join(outside, "keep"), "kept");
  await using store = await openLayerStore({ directory: join(scratch.path, "store"), snapshotter: "copy", namespace: noNamespace });

  let unpacked = 0;
  for (let seed = 1; seed <= ROUNDS; seed += 1) {
    const tars = [0, 1].map((layer) => randomHostileTar(seed * 2 + layer, outside, mark));
    const failure = await unpack(store, tars).then(() => undefined, (error: unknown) => error);
    if (failure === undefined) unpacked += 1;
    else assert.ok(OURS.some((kind) => failure instanceof kind), `seed ${seed}: ${(failure as Error).stack}`);
    assert.deepEqual([readdirSync(outside), readFileSync(join(outside, "keep"), "utf8"), lstatSync(join(outside, "keep")).nlink], [["keep"], "kept", 1], `seed ${seed}`);
    assert.deepEqual(readdirSync("/").filter((name) => name.endsWith(mark)), [], `seed ${seed}`);
  }
  assert.ok(unpacked > ROUNDS / 10 && unpacked < ROUNDS, `${unpacked} unpacked`);
});

/** Copies need none. */
function noNamespace(): never {
  throw new Error("no mounts here");
}

async function unpack(store: LayerStore, tars: readonly Buffer[]): Promise<void> {
  const chain = [];
  // The digest of an uncompressed tar is a diff id by definition.
  for (const tar of tars) chain.push(await store.importTar(digestOf(tar) as string as DiffId, bytesOf(tar), signal));
  const tree = await Tree.open(chain, signal);
  await using mounted = await store.mount(chain, "writable", signal);

  for (const node of tree.walk("")) assert.equal(lstatSync(join(mounted.viewPath, node.entry.path)).isDirectory(), node.entry.kind === "directory", node.entry.path);
}
