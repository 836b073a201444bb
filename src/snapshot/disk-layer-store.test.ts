import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, mkdtempDisposableSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { Member } from "../archive/member.ts";
import { writeTar } from "../archive/tar-writer.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf, type DiffId } from "../content/digest.ts";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import { openMountNamespace } from "../namespace/open-mount-namespace.ts";
import { directory, file, hardLink, imageLayer, members, opaque, symlink, textOf, whiteout } from "../testing/layer-samples.ts";
import { openLayerStore, type DiskLayerStore } from "./disk-layer-store.ts";
import type { Layer } from "./layer.ts";
import { turnsDuring } from "../testing/turns-during.ts";
import { testIntake } from "./layer-intake.contract.ts";
import { describeLayerStore } from "./layer-store.contract.ts";
import { overlayLayersMax } from "./overlay-tree.ts";
import type { Snapshotter } from "./tree-mounter.ts";

const signal = new AbortController().signal;
const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-layers-"));
const skip = process.geteuid?.() === 0 ? false : "needs root";
const stores: DiskLayerStore[] = [];
let opened: Promise<MountNamespace> | undefined;
let directories = 0;

after(async () => {
  for (const store of stores) await store[Symbol.asyncDispose]();
  if (opened !== undefined) await (await opened)[Symbol.asyncDispose]();
  scratch.remove();
});

describeLayerStore("a directory with overlayfs", () => openAt(freshDirectory(), "overlay"), skip);
describe("a directory with overlayfs, where all that arrives is worked on in threads", { skip }, () => testIntake(() => openAt(freshDirectory(), "overlay", 0)));
describeLayerStore("a directory with copies", () => openAt(freshDirectory(), "copy"), skip);

test("what one process wrote another one reads", async () => {
  const path = freshDirectory();
  const layer = await (await openAt(path)).write(members(directory("d"), file("d/f", "content", { xattrs: new Map([["user.a", Buffer.of(1, 2)]]) }), symlink("l\uDCFF", "t\uDCFE")), signal);
  const other = await openAt(path);
  const found = other.find(layer.id);
  assert.ok(found !== undefined);
  assert.deepEqual(await found.entries(signal), await layer.entries(signal));
  const entry = (await found.entries(signal))[1];
  assert.ok(entry !== undefined);
  assert.equal(await found.contentDigest(entry, signal), digestOf(Buffer.from("content")));
  assert.equal(await other.diffId(layer.id, signal), await (await openAt(path)).diffId(layer.id, signal));
});

test("what is learnt of a committed layer is there for the next process", { skip }, async () => {
  const path = freshDirectory();
  const store = await openAt(path, "overlay");
  await using tree = await store.mount([], "writable", signal);
  writeFileSync(join(tree.viewPath, "f"), "content");
  const layer = await tree.commit(signal);
  const diffId = await store.diffId(layer.id, signal);
  writeFileSync(join(path, "layers", layer.id, "tree/f"), "CONTENT");
  const other = await openAt(path);
  const found = other.find(layer.id);
  const entry = (await found?.entries(signal))?.[0];
  assert.ok(found !== undefined && entry !== undefined);
  assert.equal(await found.contentDigest(entry, signal), digestOf(Buffer.from("content")));
  assert.equal(await other.diffId(layer.id, signal), diffId);
});

test("a layer that one store has as a tree is taken over by another", { skip }, async () => {
  const path = freshDirectory();
  const [from, to] = [await openAt(path, "overlay"), await openAt(freshDirectory(), "overlay")];
  const said = { mode: 0o4755, uid: 5, xattrs: new Map([["user.a", Buffer.of(1, 2)]]) };
  const all = [directory("d", { mode: 0o700, uid: 3 }), file("d/f", "content", said), hardLink("d/same", "d/f", said), whiteout("gone"), directory("hides"), opaque("hides")];
  const tar = await collectBytes(writeTar(members(...all)), 1e6);
  // The digest of an uncompressed tar is a diff id by definition.
  const diffId = digestOf(tar) as string as DiffId;
  const layer = await from.importBlob(diffId, { open: () => bytesOf(tar), sizeBytes: tar.length }, "tree", signal);
  assert.equal(await from.keepsArchive(layer.id), false);
  const taken = await to.importTree(diffId, layer, signal);
  assert.equal(await textOf(taken), await textOf(layer));
  await using tree = await to.mount([await to.write(members(file("gone", "x"), directory("hides"), file("hides/hidden", "x")), signal), ...(taken === undefined ? [] : [taken])], "read-only", signal);

  assert.deepEqual([readdirSync(tree.viewPath).toSorted(), readdirSync(join(tree.viewPath, "hides"))], [["d", "hides"], []]);
  const { mode, uid, nlink } = lstatSync(join(tree.viewPath, "d/f"));
  assert.deepEqual([mode & 0o7777, uid, nlink], [0o4755, 5, 2]);
  assert.equal(await (await openAt(freshDirectory(), "copy")).importTree(diffId, layer, signal), undefined);
  const damaged = await openAt(freshDirectory(), "overlay");
  writeFileSync(join(path, "layers", layer.id, "tree/d/f"), "CONTENT");
  await assert.rejects(damaged.importTree(diffId, layer, signal), /d\/f: was damaged in the tree/);
  assert.equal(damaged.find(layer.id), undefined);
});

test("a layer that is large enough is taken in, and made a tree of, beside the event loop, and a smaller one is not", { skip }, async () => {
  const tar = await collectBytes(writeTar(members(...Array.from({ length: 3000 }, (_, i) => file(`f${i}`, `content ${i}`)))), 1e8);
  // The digest of an uncompressed tar is a diff id by definition.
  const blob = { diffId: digestOf(tar) as string as DiffId, bytes: { open: () => bytesOf(Buffer.from(tar)), sizeBytes: tar.length } };
  const turnsFrom = async (threadsFromBytes: number): Promise<readonly number[]> => {
    const store = await openAt(freshDirectory(), "overlay", threadsFromBytes);
    // What the first mount waits for besides is no work on layers.
    await (await store.mount([], "read-only", signal))[Symbol.asyncDispose]();
    const written = await store.write(members(...Array.from({ length: 3000 }, (_, i) => file(`f${i}`, `content ${i}`))), signal);
    return [await turnsDuring(() => store.importBlob(blob.diffId, blob.bytes, "tree", signal)), await turnsDuring(async () => await (await store.mount([written], "read-only", signal))[Symbol.asyncDispose]())];
  };
  const [beside, here] = [await turnsFrom(tar.length), await turnsFrom(tar.length + 1)];
  for (const [i, turns] of beside.entries()) assert.ok(turns > 3 * (here[i] ?? 0), `${String(beside)} turns beside, ${String(here)} here`);
});

test("keeps the archive where a tree cannot say what a layer takes away, as on overlayfs", { skip }, async () => {
  const below = await openAt(freshDirectory(), "overlay");
  await using tree = await below.mount([], "writable", signal);
  await using store = await openLayerStore({ directory: join(tree.viewPath, "store"), snapshotter: "auto", namespace });

  const tar = await collectBytes(writeTar(members(whiteout("gone"))), 1e6);
  // The digest of an uncompressed tar is a diff id by definition.
  const layer = await store.importBlob(digestOf(tar) as string as DiffId, { open: () => bytesOf(tar), sizeBytes: tar.length }, "tree", signal);
  assert.equal(await textOf(layer), "whiteout 0 0:0 gone\n");
  assert.equal(await store.keepsArchive(layer.id), true);
});

test("an archive whose chunks are lent is read through two buffers", async () => {
  const store = await openAt(freshDirectory());
  const layer = await store.write(members(file("large", "x".repeat(5_000_000))), signal);
  const [buffers, sum] = [new Set<ArrayBufferLike>(), createHash("sha256")];
  for await (const chunk of store.exportTar(layer.id, signal, "lent")) {
    buffers.add(chunk.buffer);
    sum.update(chunk);
  }
  assert.equal(`sha256:${sum.digest("hex")}`, await store.diffId(layer.id, signal));
  assert.equal(buffers.size, 2);
});

test("an archive that was changed on disk is noticed when it is exported", async () => {
  const path = freshDirectory();
  const store = await openAt(path);
  const layer = await store.write(members(file("f", "content")), signal);
  const tar = join(path, "layers", layer.id, "tar");
  writeFileSync(tar, readFileSync(tar, "latin1").replace("content", "CONTENT"), "latin1");
  await assert.rejects(collectBytes(store.exportTar(layer.id, signal), 1e6), /do not match/);
});

test("nothing is left of trees that were not committed, nor of failed writes", { skip }, async () => {
  const path = freshDirectory();
  {
    await using store = await openLayerStore({ directory: path, snapshotter: "overlay", namespace });
    {
      await using tree = await store.mount([], "writable", signal);
      writeFileSync(join(tree.viewPath, "f"), "");
    }
    const breaking = async function* (): AsyncIterable<Member> {
      yield file("a", "a");
      throw new Error("line went dead");
    };
    await assert.rejects(store.write(breaking(), signal), /line went dead/);
    assert.deepEqual(readdirSync(join(path, "incoming")), []);
  }
  assert.deepEqual([readdirSync(join(path, "layers")), readdirSync(join(path, "locks"))], [[], []]);
});

test("a read-only tree refuses to be written", { skip }, async () => {
  const store = await openAt(freshDirectory(), "overlay");
  const [one, two] = [await store.write(members(file("a", "a")), signal), await store.write(members(file("b", "b")), signal)];
  for (const chain of [[], [one], [one, two]]) {
    await using tree = await store.mount(chain, "read-only", signal);
    assert.throws(() => writeFileSync(join(tree.viewPath, "x"), ""), /EROFS/);
  }
});

const DEEP: ReadonlyArray<readonly [count: number, snapshotter: "overlay" | "auto", what: string]> = [
  [200, "overlay", "more layers than one mount can name by path"], [400, "overlay", "more layers than one mount can name at all"],
  [overlayLayersMax(), "overlay", "as many layers as two mounts can name"], [overlayLayersMax() + 20, "auto", "more layers than any mount can have, which are written out"],
];
describe("mounts and commits on", { skip }, () => {
  const path = freshDirectory();
  const chain: Layer[] = [];

  for (const [count, snapshotter, what] of DEEP) {
    test(what, async () => {
      const store = await openAt(path, snapshotter);
      // A chain begins with the shorter ones: each layer is written once, and made a tree of once.
      for (let at = chain.length; at < count; at += 1) {
        chain.push(await store.write(members(directory("d"), file(`d/${at}`, String(at)), file("last", String(at)), ...(at > 0 && at % 2 === 0 ? [whiteout(`d/${at - 1}`)] : [])), signal));
      }
      await using tree = await store.mount(chain.slice(0, count), "writable", signal);
      const left = chain.slice(0, count).flatMap((_, at) => (at % 2 === 0 || at === count - 1 ? [String(at)] : []));
      assert.deepEqual(readdirSync(join(tree.viewPath, "d")).toSorted(), left.toSorted());
      assert.equal(readFileSync(join(tree.viewPath, "last"), "utf8"), String(count - 1));
      writeFileSync(join(tree.viewPath, "d/0"), "changed");
      assert.equal(await textOf(await tree.commit(signal)), "directory 755 0:0 d\nfile 644 0:0 7 d/0\n");
    });
  }
});

test("a state directory may have any name", { skip }, async () => {
  const store = await openAt(join(freshDirectory(), "a:b,c\\d e\u00fc"), "overlay");
  const layers = [await store.write(members(file("a", "a")), signal), await store.write(members(file("b", "b")), signal)];
  await using tree = await store.mount(layers, "writable", signal);
  writeFileSync(join(tree.viewPath, "c"), "");
  assert.deepEqual(readdirSync(tree.viewPath), ["a", "b", "c"]);
  assert.equal(await textOf(await tree.commit(signal)), "file 644 0:0 0 c\n");
});

test("a name that is no UTF-8 goes the whole way", { skip }, async () => {
  for (const snapshotter of ["overlay", "copy"] as const) {
    const store = await openAt(freshDirectory(), snapshotter);
    const base = await store.write(members(directory("d\uDCE4"), file("d\uDCE4/\uDCFF", "bytes")), signal);
    await using tree = await store.mount([base], "writable", signal);
    writeFileSync(Buffer.concat([Buffer.from(join(tree.viewPath, "d")), Buffer.from([0xe4, 0x2f, 0xfe])]), "more");
    const layer = await tree.commit(signal);
    assert.deepEqual((await layer.entries(signal)).map(({ path }) => path), ["d\uDCE4", "d\uDCE4/\uDCFE"]);
  }
});

test("several ask for a tree at once, in this process and in others, and it is unpacked whole", { skip }, async () => {
  const path = freshDirectory();
  const [one, two] = [await openAt(path, "overlay"), await openAt(path, "overlay")];
  const layer = await one.write(members(directory("d"), ...Array.from({ length: 200 }, (_, at) => file(`d/${at}`, "x"))), signal);
  const controller = new AbortController();
  const stopped = one.mount([layer], "read-only", controller.signal);
  const rest = [one, one, two, two].map((store) => store.mount([layer], "read-only", signal));
  controller.abort(new Error("stopped"));
  await assert.rejects(stopped, /stopped/);
  for (const tree of await Promise.all(rest)) {
    assert.equal(readdirSync(join(tree.viewPath, "d")).length, 200);
    await tree[Symbol.asyncDispose]();
  }
});

test("a layer is listed with what it takes, and removed unless it is in use", { skip }, async () => {
  const path = freshDirectory();
  const [store, other] = [await openAt(path, "overlay"), await openAt(path, "overlay")];
  const layer = await store.write(members(file("f", "x".repeat(5000))), signal);
  const wasThere: boolean[] = [];
  const asked = (): void => void wasThere.push(existsSync(join(path, "layers", layer.id)));
  assert.deepEqual((await other.list()).map(({ id, sizeBytes }) => [id, sizeBytes]), [[layer.id, 512 + 5120 + 1024]]);
  {
    await using _tree = await store.mount([layer], "read-only", signal);
    assert.equal((await other.list())[0]?.sizeBytes, 512 + 5120 + 1024 + 5000);
    assert.equal(await other.remove(layer.id, asked), false);
    assert.equal(await store.remove(layer.id, asked), false);
  }
  assert.equal(await other.remove(layer.id, asked), false, "the store that wrote it is not done with it");
  assert.deepEqual((await other.list()).map(({ isInUse }) => isInUse), [true]);
  await store[Symbol.asyncDispose]();
  assert.deepEqual((await other.list()).map(({ isInUse }) => isInUse), [false]);
  assert.deepEqual(wasThere, []);
  assert.equal(await other.remove(layer.id, asked), true);
  assert.equal(await other.remove(layer.id, asked), false);
  assert.deepEqual(wasThere, [true], "asked once, while the layer was there");
  assert.equal(store.find(layer.id), undefined);
  assert.deepEqual(await store.list(), []);
});

test("a hostile archive writes nothing outside of its tree", { skip }, async () => {
  const outside = freshDirectory();
  writeFileSync(join(outside, "target"), "safe");
  for (const snapshotter of ["overlay", "copy"] as const) {
    const store = await openAt(freshDirectory(), snapshotter);
    const base = await imageLayer(store, symlink("out", outside), symlink("deep", "out"), directory("d"), symlink("d/up", "../../../../../../.."));
    const attacks = [
      [file("out/target", "evil"), whiteout("out/target")],
      [symlink("in", outside), file("in/target", "evil")],
      [symlink("in", "deep"), directory("in/target"), file("in/target/x", "evil")],
      [opaque("out"), whiteout("deep/target")],
      [file(`d/up${outside}/target`, "evil")],
    ];
    for (const attack of attacks) {
      const layer = await imageLayer(store, ...attack);
      await using tree = await store.mount([base, layer], "writable", signal);
      await tree.commit(signal);
      assert.deepEqual(readdirSync(outside), ["target"]);
      assert.equal(readFileSync(join(outside, "target"), "utf8"), "safe");
    }
    const link = await imageLayer(store, hardLink("stolen", `out/${"target"}`));
    await assert.rejects(store.mount([base, link], "writable", signal));
    assert.equal(lstatSync(join(outside, "target")).nlink, 1);
  }
});

test("layers of an earlier boot that were never forced to disk are not believed", async () => {
  const path = freshDirectory();
  const store = await openAt(path);
  const [kept, lost] = [await store.write(members(file("a", "a")), signal), await store.write(members(file("b", "b")), signal)];
  const mark = readdirSync(join(path, "unsynced")).find((name) => name.startsWith(lost.id));
  assert.ok(mark !== undefined);
  writeFileSync(join(path, "unsynced", `${lost.id}@another-boot`), "");
  const after = await openAt(path);
  assert.ok(after.find(kept.id) !== undefined);
  assert.equal(after.find(lost.id), undefined);
});

test("a process that is killed at any moment leaves whole layers, and nothing for long", async () => {
  const path = freshDirectory();
  const program = `
    import { openLayerStore } from ${JSON.stringify(join(import.meta.dirname, "disk-layer-store.ts"))};
    import { bytesOf } from ${JSON.stringify(join(import.meta.dirname, "../content/bytes.ts"))};
    const signal = new AbortController().signal;
    const store = await openLayerStore({ directory: ${JSON.stringify(path)}, snapshotter: "overlay", namespace: () => Promise.reject(new Error("none")) });
    async function* members() {
      for (let at = 0; at < 40; at += 1) {
        const bytes = Buffer.alloc(1 + at * 3000, at);
        yield { entry: { path: "f" + at, kind: "file", mode: 420, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: bytes.length }, content: bytesOf(bytes) };
      }
    }
    // On a machine under load a first layer may take longer than its process has.
    if (process.argv[1] === "0") await store.write(members(), signal);
    process.stdout.write("ready");
    for (;;) await store.write(members(), signal);`;
  for (let round = 0; round < 12; round += 1) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", program, String(round)], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    await new Promise((resolve) => setTimeout(resolve, (round * 7919) % 97));
    child.kill("SIGKILL");
    await once(child, "close");
  }
  {
    await using store = await openLayerStore({ directory: path, snapshotter: "overlay", namespace });
    const layers = await store.list();
    assert.ok(layers.length > 0);
    const diffIds = new Set<string>();
    for (const { id } of layers) {
      await collectBytes(store.exportTar(id, signal), 10e6);
      diffIds.add(await store.diffId(id, signal));
      assert.equal((await store.find(id)?.entries(signal))?.length, 40);
    }
    assert.equal(diffIds.size, 1);
  }
  assert.deepEqual([readdirSync(join(path, "incoming")), readdirSync(join(path, "locks"))], [[], []]);
});

test("what a living process has under way is left alone", async () => {
  const path = freshDirectory();
  const store = await openAt(path);
  let seen: readonly string[] = [];
  const slow = async function* (): AsyncIterable<Member> {
    yield file("a", "a");
    await (await openLayerStore({ directory: path, snapshotter: "copy", namespace }))[Symbol.asyncDispose]();
    seen = readdirSync(join(path, "incoming"));
    yield file("b", "b");
  };
  const layer = await store.write(slow(), signal);
  assert.equal(seen.length, 1);
  assert.equal((await layer.entries(signal)).length, 2);
});

test("chooses overlay by itself where it works, and asks for no namespace before a mount", { skip }, async () => {
  let asked = 0;
  const path = freshDirectory();
  await using store = await openLayerStore({
    directory: path, snapshotter: "auto",
    namespace: async (abort) => {
      asked += 1;
      return await namespace(abort);
    },
  });
  const layer = await store.write(members(file("a", "a")), signal);
  assert.equal(asked, 0);
  await using tree = await store.mount([layer], "writable", signal);
  writeFileSync(join(tree.viewPath, "b"), "");
  assert.ok(asked > 0);
  assert.ok(existsSync(join(path, "layers", layer.id, "tree/a")));
});

test("chooses copies by itself where overlay does not work", { skip }, async () => {
  const refusing = await namespace(signal);
  await using store = await openLayerStore({
    directory: freshDirectory(), snapshotter: "auto",
    namespace: async () => ({
      ...refusing, manyIds: true, viewPath: (path: string) => path,
      mount: () => Promise.reject(Object.assign(new Error("no overlay here"), { code: "mount-failed" })),
    } as MountNamespace),
  });
  await using tree = await store.mount([], "writable", signal);
  writeFileSync(join(tree.viewPath, "a"), "a");
  assert.equal(await textOf(await tree.commit(signal)), "file 644 0:0 1 a\n");
});

async function namespace(abort: AbortSignal): Promise<MountNamespace> {
  return await (opened ??= openMountNamespace({ environment: process.env }, abort));
}

async function openAt(path: string, snapshotter: Snapshotter = "copy", threadsFromBytes?: number): Promise<DiskLayerStore> {
  const store = await openLayerStore({ directory: path, snapshotter, namespace, ...(threadsFromBytes === undefined ? {} : { threadsFromBytes }) });
  stores.push(store);
  return store;
}

function freshDirectory(): string {
  const path = join(scratch.path, String(directories++));
  mkdirSync(path);
  return path;
}

