import assert from "node:assert/strict";
import { test } from "node:test";
import { collectBytes } from "../content/bytes.ts";
import { MemoryLayerStore } from "../testing/memory-layer-store.ts";
import { describeEntry, layerOf } from "../testing/tree-text.ts";
import { TreeDraft } from "./tree-draft.ts";
import { diffTrees } from "./tree-diff.ts";
import { Tree } from "./tree.ts";
import type { TreeView } from "./tree-view.ts";
import { processorMs } from "../testing/processor-time.ts";

const signal = new AbortController().signal;

const base = layerOf("base", [
  "d 755 0:0 etc", "f 644 0:0 etc/passwd = root", "d 755 0:0 lib", "f 644 0:0 lib/a = a", "h 644 0:0 lib/b -> lib/a", "f 644 0:0 lib/c = c",
  "d 755 0:0 usr", "l 777 0:0 usr/lib -> ../lib", "l 777 0:0 usr/up -> ../../../etc", "l 777 0:0 usr/abs -> /usr/lib",
]);

function listing(tree: TreeView): string[] {
  return [...tree.walk("")].slice(1).map(({ entry }) => describeEntry(entry));
}

async function text(tree: TreeView, path: string): Promise<string> {
  const node = tree.lookup(path);
  assert.ok(node !== undefined, path);
  return (await collectBytes(node.layer.read(node.stored, signal), 1000)).toString();
}

test("upper layers replace, hide and empty what lies below", async () => {
  const upper = layerOf("upper", [
    "w 0 0:0 lib/c", "o 0 0:0 etc", "d 700 0:0 etc", "f 600 1:2 etc/new = n", "f 644 0:0 usr = a file now", "d 755 0:0 lib/a", "f 644 0:0 lib/a/deep = d", "f 644 0:0 x/y = z",
  ]);
  const tree = await Tree.open([base, upper], signal);
  assert.deepEqual(listing(tree), [
    "d 700 0:0 etc", "f 600 1:2 etc/new", "d 755 0:0 lib", "d 755 0:0 lib/a", "f 644 0:0 lib/a/deep", "f 644 0:0 lib/b", "f 644 0:0 usr", "d 755 0:0 x", "f 644 0:0 x/y",
  ]);
  assert.equal(await text(tree, "lib/b"), "a", "a hard link outlives the name that it was made of");
  assert.equal(await text(tree, "etc/new"), "n");
});

test("a layer on top leaves the tree below as it was", async () => {
  const below = await Tree.open([base], signal);
  const before = listing(below);
  const above = await below.with(layerOf("top", ["w 0 0:0 lib", "f 644 0:0 etc/passwd = changed"]), signal);
  assert.deepEqual(listing(below), before);
  assert.equal(above.lookup("lib"), undefined);
  assert.equal(await text(above, "etc/passwd"), "changed");
  assert.equal(await text(below, "etc/passwd"), "root");
});

test("markers hide only what lower layers hold, wherever in the layer they stand", async () => {
  const tree = await Tree.open([base, layerOf("u", ["f 644 0:0 lib/c = new", "w 0 0:0 lib/c", "d 755 0:0 usr", "f 644 0:0 usr/mine = m", "o 0 0:0 usr"])], signal);
  assert.equal(await text(tree, "lib/c"), "new");
  assert.deepEqual(tree.children("usr").map(({ entry }) => entry.path), ["usr/mine"]);
});

test("symbolic links are resolved within the root", async () => {
  const tree = await Tree.open([base, layerOf("loop", ["l 777 0:0 loop -> loop/x"])], signal);
  assert.equal(tree.resolve("/usr/lib/a", "follow"), "lib/a");
  assert.equal(tree.resolve("usr/up/passwd", "follow"), "etc/passwd");
  assert.equal(tree.resolve("/usr/abs", "follow"), "lib");
  assert.equal(tree.resolve("/usr/abs", "keep"), "usr/abs");
  assert.equal(tree.resolve("/../usr/lib/new/./deep/", "follow"), "lib/new/deep");
  assert.equal(tree.resolve("/", "follow"), "");
  assert.throws(() => tree.resolve("loop", "follow"), { code: "too-many-links", message: "too many links" });
  assert.throws(() => tree.resolve("/etc/passwd/x", "follow"), { code: "not-a-directory", message: "lstat /etc/passwd/x: not a directory" });
});

test("a hard link to nothing is refused", async () => {
  await assert.rejects(Tree.open([layerOf("bad", ["h 644 0:0 a -> nowhere"])], signal), { code: "dangling-hardlink" });
});

test("a layer that takes away makes the directory that it says to take from, as unpacking does", async () => {
  const tree = await Tree.open([layerOf("marks", ["w 0 0:0 a/gone", "o 0 0:0 b"])], signal);
  assert.deepEqual([...tree.walk("")].map(({ entry }) => `${entry.kind} ${entry.path}`), ["directory ", "directory a", "directory b"]);
});

test("names are ordered by their bytes, within each directory", async () => {
  const tree = await Tree.open([layerOf("order", ["f 644 0:0 a.b", "d 755 0:0 a", "f 644 0:0 a/z", "f 644 0:0 \u{1f600}", "f 644 0:0 \uff5e", "f 644 0:0 B"])], signal);
  assert.deepEqual([...tree.walk("")].map(({ entry }) => entry.path), ["", "B", "a", "a/z", "a.b", "\uff5e", "\u{1f600}"]);
});

test("a draft's difference holds what changed, after the directories that it lies in", async () => {
  const tree = await Tree.open([base], signal);
  const draft = new TreeDraft(tree, () => 7_000_000_000n);
  const content = tree.lookup("lib/a");
  assert.ok(content !== undefined);
  draft.writeFile("lib/d", { mode: 0o600, uid: 1, gid: 1, mtimeNs: 5n }, content);
  draft.link("lib/d", "etc/d");
  draft.remove("lib/b");
  draft.makeDirectory("usr/new", 0o711);
  draft.remove("usr/lib");
  draft.makeSymlink("usr/lib", "elsewhere", { mode: 0o777, uid: 0, gid: 0, mtimeNs: 1n });
  draft.amend("etc/passwd", { mtimeNs: 1_000_000_000n });
  assert.equal(draft.lookup("lib")?.entry.mtimeNs, 7_000_000_000n);

  const written = await new MemoryLayerStore().write(diffTrees(tree, draft, signal), signal);
  assert.deepEqual((await written.entries(signal)).map(describeEntry), [
    "d 755 0:0 etc", "f 600 1:1 etc/d", "d 755 0:0 lib", "w 0 0:0 lib/b", "h 600 1:1 lib/d -> etc/d",
    "d 755 0:0 usr", "l 777 0:0 usr/lib -> elsewhere", "d 711 0:0 usr/new",
  ]);
  const again = await tree.with(written, signal);
  assert.deepEqual(listing(again), listing(draft));
  assert.equal(again.identity("etc/d"), again.identity("lib/d"));
});

test("a directory in which a file was made and removed has changed its time alone, and keeps that", async () => {
  const deep = await Tree.open([layerOf("deep", ["d 711 3:3 a", "d 755 0:0 a/b"])], signal);
  const draft = new TreeDraft(deep, () => 7_000_000_000n);
  draft.makeSymlink("a/b/x", "y", { mode: 0o777, uid: 0, gid: 0, mtimeNs: 1n });
  draft.remove("a/b/x");
  const written = await new MemoryLayerStore().write(diffTrees(deep, draft, signal), signal);
  assert.deepEqual(await written.entries(signal), []);
  assert.deepEqual((await written.unsaid?.(signal))?.map(describeEntry), ["d 711 3:3 a", "d 755 0:0 a/b"]);
  assert.equal((await deep.with(written, signal)).lookup("a/b")?.entry.mtimeNs, 7_000_000_000n);
});

test("a file that looks the same in whole seconds is compared by content", async () => {
  const tree = await Tree.open([layerOf("f", ["f 644 0:0 a = one"])], signal);
  const other = await Tree.open([layerOf("g", ["f 644 0:0 a = one", "f 644 0:0 b = two"])], signal);
  const changesWith = async (path: string, mtimeNs: bigint): Promise<number> => {
    const content = other.lookup(path);
    assert.ok(content !== undefined);
    const draft = new TreeDraft(tree, () => 1n);
    draft.writeFile("a", { mode: 0o644, uid: 0, gid: 0, mtimeNs }, content);
    return (await Array.fromAsync(diffTrees(tree, draft, signal))).length;
  };
  assert.equal(await changesWith("a", 1_000_000_000n), 0);
  assert.equal(await changesWith("b", 1_000_000_000n), 1);
  assert.equal(await changesWith("a", 1_000_000_001n), 1);
});

test("a tree of 100,000 entries opens and takes one more layer quickly", async () => {
  const lines = Array.from({ length: 100_000 }, (_, i) => `f 644 0:0 d${i % 10}/e${i % 1000}/f${i}`);
  const large = layerOf("large", lines);
  const started = processorMs();
  const tree = await Tree.open([large], signal);
  assert.equal([...tree.walk("")].length, 100_000 + 1 + 10 + 1000);
  await tree.with(layerOf("small", ["f 644 0:0 d1/e1/new"]), signal);
  assert.ok(processorMs() - started < 3000, "generous: about 0.3 s on an idle machine");
});
