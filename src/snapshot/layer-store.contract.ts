import assert from "node:assert/strict";
import {
  chmodSync, chownSync, existsSync, linkSync, lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { readTar } from "../archive/tar-reader.ts";
import { writeTar } from "../archive/tar-writer.ts";
import { CorruptBlobError } from "../content/blob-store.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf, type DiffId } from "../content/digest.ts";
import { makeNode } from "../syscall/node.ts";
import { setTimes } from "../syscall/times.ts";
import { getXattr, setXattr } from "../syscall/xattr.ts";
import { directory, file, hardLink, imageLayer, members, opaque, special, symlink, textOf, whiteout } from "../testing/layer-samples.ts";
import { testIntake } from "./layer-intake.contract.ts";
import { LayerStoreError } from "./layer-store-error.ts";
import type { LayerStore, MountedTree } from "./layer-store.ts";
import { membersOf, type Layer, type LayerId } from "./layer.ts";
import { Tree } from "./tree.ts";

const signal = new AbortController().signal;
const LIMIT_BYTES = 64 * 1024 * 1024;

type OpenStore = () => Promise<LayerStore>;

/** What every LayerStore promises, whatever its trees are made of. `skip` says why there is none here. */
export function describeLayerStore(name: string, open: OpenStore, skip: string | false): void {
  describe(`${name} is a LayerStore`, { skip }, () => {
    testArchives(open);
    testIntake(open);
    testViews(open);
    testRepeats(open);
    testChanges(open);
    testNoChange(open);
    testNewNames(open);
    testLifetimes(open);
  });
}

function testArchives(open: OpenStore): void {
  test("a layer that was written is read back, its tar and digests with it", async () => {
    const store = await open();
    const layer = await store.write(members(directory("etc"), file("etc/motd", "hello\n"), file("etc/big", "x".repeat(300_000)), hardLink("etc/same", "etc/motd"), symlink("etc/link", "motd"), whiteout("gone")), signal);
    assert.equal(await textOf(layer), "directory 755 0:0 etc\nfile 644 0:0 6 etc/motd\nfile 644 0:0 300000 etc/big\nhardlink 644 0:0 etc/same -> etc/motd\nsymlink 777 0:0 etc/link -> motd\nwhiteout 0 0:0 gone\n");
    const [, motd] = await layer.entries(signal);
    assert.ok(motd !== undefined);
    assert.equal((await collectBytes(layer.read(motd, signal), 100)).toString(), "hello\n");
    assert.equal((await collectBytes(layer.readPart(motd, { offsetBytes: 1, sizeBytes: 3 }, signal), 100)).toString(), "ell");
    assert.equal((await collectBytes(layer.readPart(motd, { offsetBytes: 4, sizeBytes: 100 }, signal), 100)).toString(), "o\n");
    assert.equal((await collectBytes(layer.readPart(motd, { offsetBytes: 7, sizeBytes: 1 }, signal), 100)).toString(), "");
    assert.equal(await layer.contentDigest(motd, signal), digestOf(Buffer.from("hello\n")));
    const tar = await collectBytes(store.exportTar(layer.id, signal), LIMIT_BYTES);
    assert.equal(await store.diffId(layer.id, signal), digestOf(tar));
    assert.deepEqual((await Array.fromAsync(readTar(bytesOf(tar)))).map(({ entry }) => entry.path), ["etc", "etc/motd", "etc/big", "etc/same", "etc/link", "gone"]);
    assert.equal(await textOf(store.find(layer.id)), await textOf(layer));
  });

  test("an image's layer keeps every byte, and is found under its diff id", async () => {
    const store = await open();
    const tar = Buffer.concat([await collectBytes(writeTar(members(directory("a"), file("a/b", "b", { mtimeNs: 1_700_000_000_123_456_789n }))), LIMIT_BYTES), Buffer.alloc(8192)]);
    const diffId = digestOf(tar) as string as DiffId;
    const layer = await store.importTar(diffId, bytesOf(tar.subarray(0, 700), tar.subarray(700)), signal);
    assert.deepEqual(await collectBytes(store.exportTar(layer.id, signal), LIMIT_BYTES), tar);
    assert.equal(await store.diffId(layer.id, signal), diffId);
    assert.equal((await layer.entries(signal))[1]?.mtimeNs, 1_700_000_000_123_456_789n);
    assert.equal((await store.importTar(diffId, bytesOf(), signal)).id, layer.id);
  });

  test("refuses an image's layer of other bytes, and one that breaks off, and keeps nothing", async () => {
    const store = await open();
    const tar = await collectBytes(writeTar(members(file("a", "a"))), LIMIT_BYTES);
    const other = digestOf(Buffer.from("other")) as string as DiffId;
    await assert.rejects(store.importTar(other, bytesOf(tar), signal), CorruptBlobError);
    await assert.rejects(store.importTar(digestOf(tar) as string as DiffId, bytesOf(tar.subarray(0, 600)), signal));
    assert.equal(store.find(other.replace(":", "-") as LayerId), undefined);
  });

  test("a layer that is not there is not found, whatever its name", async () => {
    const store = await open();
    for (const id of ["nothing", "../layers", ".", "", "a/b"]) assert.equal(store.find(id as LayerId), undefined);
    await assert.rejects(store.diffId("nothing" as LayerId, signal), LayerStoreError);
  });
}

function testViews(open: OpenStore): void {
  test("no layers at all are an empty directory that can be written to", async () => {
    const store = await open();
    await using empty = await store.mount([], "read-only", signal);
    assert.deepEqual(readdirSync(empty.viewPath), []);
    await using tree = await store.mount([], "writable", signal);
    writeFileSync(join(tree.viewPath, "a"), "a");
    assert.equal(await textOf(await tree.commit(signal)), "file 644 0:0 1 a\n");
  });

  test("a tree shows what layers say: owners, modes, times, attributes, devices, links", async () => {
    const store = await open();
    const capability = Buffer.from("0100000202200000000000000000000000000000", "hex");
    const base = await store.write(members(
      directory("d", { mode: 0o1777, uid: 3, gid: 4, mtimeNs: 1_600_000_000_000_000_007n }),
      file("d/suid", "s", { mode: 0o6755, uid: 5, gid: 6, mtimeNs: 1_234_567_890_987_654_321n }), hardLink("d/again", "d/suid", { mode: 0o6755, uid: 5, gid: 6, mtimeNs: 1_234_567_890_987_654_321n }),
      file("d/cap", "c", { uid: 7, xattrs: new Map([["security.capability", capability], ["user.note", Buffer.of(0, 255)]]) }),
      symlink("d/link", "/nowhere", { uid: 8, mtimeNs: 99n }),
      special("d/null", "char", { major: 1, minor: 3 }), special("d/disk", "block", { major: 259, minor: 70_000 }), special("d/pipe", "fifo"),
      directory("closed", { mode: 0o111 }), file("closed/in", ""),
    ), signal);
    await using tree = await store.mount([base], "read-only", signal);
    const at = (path: string): string => join(tree.viewPath, path);
    const stat = (path: string): string => {
      const { mode, uid, gid, mtimeNs } = lstatSync(at(path), { bigint: true });
      return `${mode.toString(8)} ${uid}:${gid} ${mtimeNs}`;
    };
    assert.equal(stat("d"), "41777 3:4 1600000000000000007");
    assert.equal(stat("d/suid"), "106755 5:6 1234567890987654321");
    assert.equal(stat("d/link"), "120777 8:0 99");
    assert.equal(readlinkSync(at("d/link")), "/nowhere");
    assert.equal(lstatSync(at("d/again")).ino, lstatSync(at("d/suid")).ino);
    assert.equal(lstatSync(at("d/again")).nlink, 2);
    assert.deepEqual(getXattr(at("d/cap"), "security.capability"), capability);
    assert.deepEqual(getXattr(at("d/cap"), "user.note"), Buffer.of(0, 255));
    assert.deepEqual([lstatSync(at("d/null")).rdev, lstatSync(at("d/pipe")).isFIFO(), lstatSync(at("d/disk")).isBlockDevice()], [259, true, true]);
    assert.equal(stat("closed").split(" ")[0], "40111");
    assert.equal(readFileSync(at("d/suid"), "utf8"), "s");
  });

  test("what is neither file nor directory goes without attributes that the kernel has for these alone", async () => {
    const store = await open();
    const note = { xattrs: new Map([["user.note", Buffer.of(1)]]) };
    const base = await imageLayer(store, symlink("link", "/nowhere", note), special("pipe", "fifo", undefined, note), file("f", "f", note));
    await using tree = await store.mount([base], "read-only", signal);
    assert.deepEqual(["link", "pipe", "f"].map((path) => getXattr(join(tree.viewPath, path), "user.note")), [undefined, undefined, Buffer.of(1)]);
  });

  test("upper layers hide, empty and replace what lower ones hold", async () => {
    const store = await open();
    const base = await store.write(members(directory("a"), file("a/1", "1"), file("a/2", "2"), directory("b"), file("b/1", "1"), file("c", "c"), directory("d"), file("d/1", "1"), symlink("e", "a")), signal);
    const upper = await imageLayer(store, whiteout("a/1"), directory("b"), opaque("b"), file("b/new", "n"), directory("c"), file("c/in", "i"), file("d", "now a file"), directory("e"), file("e/x", "x"));
    await using tree = await store.mount([base, upper], "read-only", signal);
    assert.deepEqual(treeText(tree.viewPath), ["a/", "a/2=2", "b/", "b/new=n", "c/", "c/in=i", "d=now a file", "e/", "e/x=x"]);
  });

  test("a directory that a layer does not describe is as lower layers say", async () => {
    const store = await open();
    const base = await imageLayer(store, directory("tmp", { mode: 0o1777, uid: 2, mtimeNs: 77n }), directory("opt"), file("opt/f", "f"));
    const upper = await imageLayer(store, file("tmp/deep/er/f", "f"), file("new/f", "f"));
    const top = await imageLayer(store, whiteout("opt/f"));
    await using tree = await store.mount([base, upper, top], "read-only", signal);
    assert.deepEqual(treeText(tree.viewPath), ["new/", "new/f=f", "opt/", "tmp/", "tmp/deep/", "tmp/deep/er/", "tmp/deep/er/f=f"]);
    const { mode, uid, mtimeNs } = lstatSync(join(tree.viewPath, "tmp"), { bigint: true });
    assert.deepEqual([mode.toString(8), uid, mtimeNs], ["41777", 2n, 77n]);
    assert.equal(lstatSync(join(tree.viewPath, "tmp/deep")).mode.toString(8), "40755");
  });
}

function testRepeats(open: OpenStore): void {
  test("what the lowest layer hides is not there, and is not listed", async () => {
    const store = await open();
    const base = await imageLayer(store, directory("d"), file("d/kept", "k"), whiteout("d/gone"), whiteout("top"), directory("e"), directory("e/f"), whiteout("e/f/gone"));
    const above = await imageLayer(store, file("e/f/new", "n"));
    const expected = ["d/", "d/kept=k", "e/", "e/f/"];
    for (const mode of ["read-only", "writable"] as const) {
      await using tree = await store.mount([base], mode, signal);
      assert.deepEqual(treeText(tree.viewPath), expected, mode);
      await using two = await store.mount([base, above], mode, signal);
      assert.deepEqual(treeText(two.viewPath), [...expected, "e/f/new=n"], mode);
    }
  });

  test("a layer that is there several times counts where it is uppermost", async () => {
    const store = await open();
    const twice = await store.write(members(directory("a"), file("a/1", "1")), signal);
    const between = await imageLayer(store, whiteout("a/1"), file("a/2", "2"));
    await using same = await store.mount([twice, twice], "read-only", signal);
    assert.deepEqual(treeText(same.viewPath), ["a/", "a/1=1"]);
    await using tree = await store.mount([twice, between, twice], "writable", signal);
    assert.deepEqual(treeText(tree.viewPath), ["a/", "a/1=1", "a/2=2"]);
    rmSync(join(tree.viewPath, "a/1"));
    assert.equal(await textOf(await tree.commit(signal)), "directory 755 0:0 a\nwhiteout 0 0:0 a/1\n");
  });
}

function testChanges(open: OpenStore): void {
  test("what was changed in a tree is a layer, and the chain with it the same tree", async () => {
    const store = await open();
    const base = await store.write(members(directory("d"), file("d/keep", "k"), file("d/change", "old"), file("d/mode", "m"), file("d/gone", "g"), directory("rm"), file("rm/f", "f"), directory("quiet"), file("quiet/f", "f")), signal);
    let expected: readonly string[];
    let layer: Layer;
    {
      await using tree = await store.mount([base], "writable", signal);
      change(tree);
      expected = treeText(tree.viewPath);
      layer = await tree.commit(signal);
    }
    assert.equal(await textOf(layer), [
      "directory 755 0:0 d", "file 644 0:0 3 d/change", "char 644 0:0 d/dev 1,3", "file 600 1:2 1 d/first", "whiteout 0 0:0 d/gone", "hardlink 600 1:2 d/hard -> d/first",
      "file 600 0:0 1 d/mode", "fifo 644 0:0 d/pipe", "symlink 777 0:0 d/soft -> ../x", "directory 700 0:0 new", "file 644 0:0 0 new/a", "directory 755 0:0 new/b", "file 644 0:0 0 new/b-",
      "whiteout 0 0:0 rm", "file 644 0:0 1 x\u00fc {user.note=00ff}", "",
    ].join("\n"));
    await using again = await store.mount([base, layer], "read-only", signal);
    assert.deepEqual(treeText(again.viewPath), expected);
    assert.equal(lstatSync(join(again.viewPath, "new/a"), { bigint: true }).mtimeNs, 1_700_000_000_000_000_009n);
    assert.deepEqual(getXattr(join(again.viewPath, "x\u00fc"), "user.note"), Buffer.of(0, 255));
    assert.equal(lstatSync(join(again.viewPath, "d/hard")).ino, lstatSync(join(again.viewPath, "d/first")).ino);
  });

  test("a directory that was taken away and made anew hides each old name in it, and no more", async () => {
    const store = await open();
    const base = await store.write(members(directory("d"), file("d/a", "a"), file("d/b", "b"), directory("d/sub"), file("d/sub/1", "1"), file("d/sub/2", "2"), directory("d/zap"), file("d/zap/x", "x")), signal);
    await using tree = await store.mount([base], "writable", signal);
    rmSync(join(tree.viewPath, "d"), { recursive: true });
    mkdirSync(join(tree.viewPath, "d/sub"), { recursive: true });
    writeFileSync(join(tree.viewPath, "d/sub/2"), "new");
    writeFileSync(join(tree.viewPath, "d/b"), "new");
    const layer = await tree.commit(signal);
    assert.deepEqual((await layer.entries(signal)).map(({ kind, path }) => `${kind} ${path}`).filter((text) => !text.startsWith("directory")), [
      "whiteout d/a", "file d/b", "whiteout d/sub/1", "file d/sub/2", "whiteout d/zap",
    ]);
    await using again = await store.mount([base, layer], "read-only", signal);
    assert.deepEqual(treeText(again.viewPath), ["d/", "d/b=new", "d/sub/", "d/sub/2=new"]);
  });

  test("a directory that was moved is gone at one place and whole at the other", async () => {
    const store = await open();
    const base = await store.write(members(directory("old"), file("old/a", "a"), directory("old/in"), file("old/in/b", "b")), signal);
    await using tree = await store.mount([base], "writable", signal);
    moveDirectory(join(tree.viewPath, "old"), join(tree.viewPath, "new"));
    const layer = await tree.commit(signal);
    assert.deepEqual((await layer.entries(signal)).map(({ kind, path }) => `${kind} ${path}`), ["directory new", "file new/a", "directory new/in", "file new/in/b", "whiteout old"]);
  });
}

function testNoChange(open: OpenStore): void {
  test("touched and put back is no change", async () => {
    const store = await open();
    const base = await store.write(members(directory("d"), file("d/whole", "same", { mtimeNs: 1_700_000_000_000_000_000n }), file("d/fine", "same", { mtimeNs: 1_700_000_000_000_000_001n }), file("d/other", "same", { mtimeNs: 1_700_000_000_000_000_000n })), signal);
    await using tree = await store.mount([base], "writable", signal);
    for (const [name, content, ns] of [["whole", "same", 0n], ["fine", "same", 1n], ["other", "SAME", 0n]] as const) {
      writeFileSync(join(tree.viewPath, "d", name), content);
      setTimes(join(tree.viewPath, "d", name), 1_700_000_000_000_000_000n + ns);
    }
    assert.deepEqual((await (await tree.commit(signal)).entries(signal)).map(({ path }) => path), ["d", "d/other"]);
  });

  test("a step's own layer says of times and links what the step made, and no more", async () => {
    const store = await open();
    const layer = await store.write(members(file("old", "o", { mtimeNs: -1n }), file("f", "f", { mode: 0o600 }), hardLink("g", "f", { mode: 0o644 })), signal);
    assert.deepEqual((await layer.entries(signal)).map(({ mtimeNs, mode }) => [mtimeNs, mode]).slice(0, 2), [[-1n, 0o644], [1_500_000_000_000_000_000n, 0o600]]);
  });

  test("a directory with another time only is no change, and has that time in later trees", async () => {
    const store = await open();
    const base = await store.write(members(directory("d"), directory("d/in"), file("d/in/f", "f"), directory("e"), file("e/f", "f")), signal);
    await using tree = await store.mount([base], "writable", signal);
    for (const path of ["d/gone", "d/in/gone", "e/new"]) writeFileSync(join(tree.viewPath, path), "");
    for (const path of ["d/gone", "d/in/gone"]) rmSync(join(tree.viewPath, path));
    for (const path of ["d", "d/in", "e"]) setTimes(join(tree.viewPath, path), 2_000_000_000_000_000_000n);
    const layer = await tree.commit(signal);
    assert.deepEqual((await layer.entries(signal)).map(({ path }) => path), ["e", "e/new"]);
    const found = await Tree.open([base, layer], signal);
    assert.deepEqual(["d", "d/in", "e"].map((path) => found.lookup(path)?.entry.mtimeNs), [2_000_000_000_000_000_000n, 2_000_000_000_000_000_000n, 2_000_000_000_000_000_000n]);
    await using again = await store.mount([base, layer], "read-only", signal);

    assert.deepEqual(["d", "d/in", "e"].map((path) => lstatSync(join(again.viewPath, path)).mtimeMs), [2e12, 2e12, 2e12]);
    // Another store may have it as an archive, in which d has no place.
    const copied = await store.write(members(...(await Array.fromAsync(membersOf(layer, signal))).filter(({ entry }) => entry.kind === "directory")), signal);
    await using third = await store.mount([base, copied], "read-only", signal);

    assert.deepEqual(["d", "d/in"].map((path) => lstatSync(join(third.viewPath, path)).mtimeMs), [2e12, 2e12]);
  });

  test("nothing changed is a layer without entries, whose tar is two empty blocks", async () => {
    const store = await open();
    const base = await store.write(members(file("a", "a")), signal);
    await using tree = await store.mount([base], "writable", signal);
    const layer = await tree.commit(signal);
    assert.equal(await store.diffId(layer.id, signal), digestOf(Buffer.alloc(1024)));
  });

  test("a committed layer has one tar, however often it is asked for, and knows its contents' digests", async () => {
    const store = await open();
    await using tree = await store.mount([], "writable", signal);
    mkdirSync(join(tree.viewPath, "d"));
    writeFileSync(join(tree.viewPath, "d/f"), "content");
    const layer = await tree.commit(signal);
    const entry = (await layer.entries(signal))[1];
    assert.ok(entry !== undefined);
    assert.equal(await layer.contentDigest(entry, signal), digestOf(Buffer.from("content")));
    const [first, second] = [await collectBytes(store.exportTar(layer.id, signal), LIMIT_BYTES), await collectBytes(store.exportTar(layer.id, signal), LIMIT_BYTES)];
    assert.deepEqual(first, second);
    assert.equal(await store.diffId(layer.id, signal), digestOf(first));
    const read = await Array.fromAsync(readTar(bytesOf(first)), async (member) => [member.entry.path, member.entry.mtimeNs % 1_000_000_000n]);
    assert.deepEqual(read, [["d", 0n], ["d/f", 0n]]);
  });
}

function testNewNames(open: OpenStore): void {
  test("a file that got another name is one with it in later trees, whatever the layer tells", async () => {
    const store = await open();
    const base = await store.write(members(directory("d"), file("d/old", "f"), directory("e")), signal);
    await using tree = await store.mount([base], "writable", signal);
    linkSync(join(tree.viewPath, "d/old"), join(tree.viewPath, "e/new"));
    const layer = await tree.commit(signal);
    const found = await Tree.open([base, layer], signal);
    assert.ok(found.identity("d/old") !== undefined);
    assert.equal(found.identity("d/old"), found.identity("e/new"));
    await using again = await store.mount([base, layer], "read-only", signal);

    assert.equal(lstatSync(join(again.viewPath, "d/old")).ino, lstatSync(join(again.viewPath, "e/new")).ino);
  });
}

function testLifetimes(open: OpenStore): void {
  test("trees of the same layers do not see each other's changes", async () => {
    const store = await open();
    const base = await store.write(members(file("a", "base")), signal);
    await using one = await store.mount([base], "writable", signal);
    await using two = await store.mount([base], "writable", signal);
    writeFileSync(join(one.viewPath, "a"), "one");
    rmSync(join(two.viewPath, "a"));
    assert.equal(readFileSync(join(one.viewPath, "a"), "utf8"), "one");
    assert.ok(!existsSync(join(two.viewPath, "a")));
    const layers = [await one.commit(signal), await two.commit(signal)];
    assert.deepEqual(await Promise.all(layers.map((layer) => textOf(layer))), ["file 644 0:0 3 a\n", "whiteout 0 0:0 a\n"]);
  });

  test("a tree is committed once, and one that is only read never", async () => {
    const store = await open();
    await using tree = await store.mount([], "writable", signal);
    await tree.commit(signal);
    await assert.rejects(tree.commit(signal), /once/);
    await using readOnly = await store.mount([], "read-only", signal);
    await assert.rejects(readOnly.commit(signal), /writable/);
  });

  test("stops where it is when it is told to", async () => {
    const store = await open();
    const controller = new AbortController();
    const source = members(file("a", "a"), file("b", "b"));
    const stopping = (async function* (): typeof source {
      for await (const member of source) {
        yield member;
        controller.abort(new RangeError("stopped"));
      }
    })();
    await assert.rejects(store.write(stopping, controller.signal), /stopped/);
    await assert.rejects(store.mount([], "writable", controller.signal), /stopped/);
  });
}

function change({ viewPath }: MountedTree): void {
  const at = (path: string): string => join(viewPath, path);
  writeFileSync(at("d/change"), "new");
  chmodSync(at("d/mode"), 0o600);
  rmSync(at("d/gone"));
  rmSync(at("rm"), { recursive: true });
  writeFileSync(at("d/first"), "1", { mode: 0o600 });
  chownSync(at("d/first"), 1, 2);
  linkSync(at("d/first"), at("d/hard"));
  symlinkSync("../x", at("d/soft"));
  makeNode(at("d/dev"), { kind: "char", mode: 0o644, major: 1, minor: 3 });
  makeNode(at("d/pipe"), { kind: "fifo", mode: 0o644, major: 0, minor: 0 });
  mkdirSync(at("new/b"), { recursive: true });
  chmodSync(at("new"), 0o700);
  writeFileSync(at("new/b-"), "");
  writeFileSync(at("new/a"), "");
  setTimes(at("new/a"), 1_700_000_000_000_000_009n);
  writeFileSync(at("x\u00fc"), "x");
  setXattr(at("x\u00fc"), "user.note", Buffer.of(0, 255));
  writeFileSync(at("brief"), "");
  rmSync(at("brief"));
}

/** As mv does: where a directory of a lower layer cannot be renamed, it is made anew. */
function moveDirectory(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    mkdirSync(to);
    for (const entry of readdirSync(from, { withFileTypes: true })) {
      if (entry.isDirectory()) moveDirectory(join(from, entry.name), join(to, entry.name));
      else renameSync(join(from, entry.name), join(to, entry.name));
    }
    rmSync(from, { recursive: true });
  }
}

function treeText(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const name = path.slice(root.length + 1);
      return entry.isDirectory() ? `${name}/` : `${name}${entry.isFile() ? `=${readFileSync(path, "utf8")}` : ""}`;
    })
    .toSorted();
}
