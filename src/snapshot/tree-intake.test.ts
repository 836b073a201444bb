import assert from "node:assert/strict";
import { lstatSync, mkdirSync, mkdtempDisposableSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { ArchiveError } from "../archive/archive-error.ts";
import { joinPath } from "../archive/entry-path.ts";
import type { Member } from "../archive/member.ts";
import { writeTar } from "../archive/tar-writer.ts";
import { CorruptBlobError } from "../content/blob-store.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf, type DiffId } from "../content/digest.ts";
import { listXattrs } from "../syscall/xattr.ts";
import { randomHostileTar } from "../testing/hostile-tar.ts";
import { directory, file, hardLink, members, opaque, special, symlink, whiteout } from "../testing/layer-samples.ts";
import { layerProblem } from "./check-layer.ts";
import { DiskTree } from "./disk-tree.ts";
import { imageLayerId } from "./layer.ts";
import { keepTar } from "./layer-writer.ts";
import { privilegeIn } from "./privilege.ts";
import { StoredLayer } from "./stored-layer.ts";
import { IntricateArchiveError, keepTree } from "./tree-intake.ts";
import { TreeWriter } from "./tree-writer.ts";
import { unpackAsLower } from "./unpack.ts";

const skip = process.geteuid?.() === 0 ? false : "needs root, whose trees say all that archives do";
const signal = new AbortController().signal;
const ROUNDS = 200;
const TAR_BYTES_MAX = 64 * 1024 * 1024;

async function tarOf(...all: readonly Member[]): Promise<Buffer> {
  return await collectBytes(writeTar(members(...all)), TAR_BYTES_MAX);
}

function diffIdOf(tar: Buffer): DiffId {
  // The digest of an uncompressed tar is a diff id by definition.
  return digestOf(tar) as string as DiffId;
}

/** What is on disk, down to times and attributes, and what the layer says of itself. */
interface Outcome {
  readonly tree: readonly string[];
  readonly entries: readonly unknown[];
  readonly directory: string;
}

class Place {
  readonly path: string;
  #taken = 0;

  constructor(path: string) {
    this.path = path;
  }

  fresh(): string {
    const path = join(this.path, String(this.#taken++));
    mkdirSync(path);
    return path;
  }

  /** While it arrives, in pieces that end in the middle of everything. */
  async asTree(tar: Buffer, pieceBytes = 700): Promise<Outcome> {
    const directoryPath = this.fresh();
    const pieces = Array.from({ length: Math.ceil(tar.length / pieceBytes) }, (_, i) => tar.subarray(i * pieceBytes, (i + 1) * pieceBytes));
    const { entries } = await keepTree({ directory: directoryPath, diffId: diffIdOf(tar), privilege: privilegeIn(this.path) }, bytesOf(...pieces), signal);
    return { tree: onDisk(join(directoryPath, "tree"), ""), entries, directory: directoryPath };
  }

  /** The archive first, and its tree when all is known. */
  async byWayOfArchive(tar: Buffer): Promise<Outcome> {
    const directoryPath = this.fresh();
    const tree = join(directoryPath, "tree");
    const { entries } = await keepTar(directoryPath, diffIdOf(tar), bytesOf(tar), signal);
    const layer = new StoredLayer(imageLayerId(diffIdOf(tar)), directoryPath);
    mkdirSync(tree, { mode: 0o755 });
    try {
      await unpackAsLower(layer, new TreeWriter(tree, "empty", privilegeIn(this.path)), signal);
    } finally {
      layer.close();
    }
    return { tree: onDisk(tree, ""), entries, directory: directoryPath };
  }
}

function onDisk(root: string, path: string): readonly string[] {
  const tree = new DiskTree(root);
  return tree.names(path).flatMap((name) => {
    const inTree = joinPath(path, name);
    const stat = tree.stat(inTree);
    assert.ok(stat !== undefined);
    const what = stat.isFile() ? readFileSync(tree.path(inTree)).toString("base64") : stat.isSymbolicLink() ? tree.linkTarget(inTree) : `${stat.rdev}`;
    const line = `${inTree} ${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${isMadeByUs(stat.mtimeNs) ? "now" : stat.mtimeNs} ${stat.isDirectory() ? 0 : stat.nlink} ${listXattrs(tree.path(inTree)).join()} ${what}`;
    return stat.isDirectory() ? [line, ...onDisk(root, inTree)] : [line];
  });
}

/** What is implied, and whiteouts, have the time at which they were made. */
function isMadeByUs(mtimeNs: bigint): boolean {
  return Math.abs(Date.now() - Number(mtimeNs / 1_000_000n)) < 3_600_000;
}

test("a layer that is unpacked while it arrives is the one that its archive is unpacked to", { skip }, async () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-intake-"));
  const place = new Place(scratch.path);
  const capability = Buffer.from("0100000202200000000000000000000000000000", "hex");
  const suid = { mode: 0o6755, uid: 5, gid: 6, mtimeNs: 1_234_567_890_987_654_321n };
  const tar = await tarOf(
    directory("", { mode: 0o700, uid: 9 }), file("b/early", "its directory comes after it"), directory("d", { mode: 0o1777, uid: 3, gid: 4, mtimeNs: 1_600_000_000_000_000_007n }),
    file("d/suid", "s", suid), file("d/cap", "c", { uid: 7, xattrs: new Map([["security.capability", capability], ["user.note", Buffer.of(0, 255)]]) }),
    file("d/empty", ""), file("d/large", "large".repeat(200_000)), hardLink("d/again", "d/suid", suid), symlink("d/link", "/nowhere", { uid: 8, mtimeNs: 99n }),
    special("d/null", "char", { major: 1, minor: 3 }), special("d/pipe", "fifo"), directory("closed", { mode: 0o111 }), file("closed/in", "", { mode: 0 }),
    directory("b", { mode: 0o750 }), directory("d", { mode: 0o755, uid: 1 }), whiteout("gone"), whiteout("b/gone"), directory("hides"), opaque("hides"), file("implied/by/this", "x"), file("\uDCFF", "no UTF-8"),
  );
  const [streamed, unpacked] = [await place.asTree(tar), await place.byWayOfArchive(tar)];
  assert.deepEqual(streamed.tree, unpacked.tree);
  assert.deepEqual(streamed.entries, unpacked.entries);
  assert.ok(streamed.tree.some((line) => line.startsWith("d/suid 106755 5:6 1234567890987654321 2 ")), streamed.tree.join("\n"));
  assert.deepEqual(readdirSync(streamed.directory).toSorted(), ["digests", "index", "tree"]);
});

test("what an archive says twice, or through a link of its own, is left to who keeps the archive", { skip }, async (t) => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-intake-"));
  const place = new Place(scratch.path);
  const intricate: Readonly<Record<string, readonly Member[]>> = {
    "a file twice": [file("a", "1"), file("a", "2")],
    "a file where a directory was": [directory("a"), file("a/b", ""), file("a", "")],
    "a directory where a file was": [file("a", ""), directory("a")],
    "a file that is taken away and there": [whiteout("a"), file("a", "")],
    "a file that is there and taken away": [file("a", ""), whiteout("a")],
    "a directory that is implied and taken away": [file("a/b", ""), whiteout("a")],
    "a directory that is taken away and implied": [whiteout("a"), file("a/b/c", "")],
    "something in what is taken away": [whiteout("a"), whiteout("a/b")],
    "a link that says something else of its file": [file("a", "1"), hardLink("b", "a", { mode: 0o600 })],
    "a time that no tool sets": [file("a", "1", { mtimeNs: -1n })],
    "a hard link before what it is to": [hardLink("b", "a"), file("a", "")],
    "a file through a link": [directory("real"), symlink("link", "real"), file("link/a", "")],
    "a hard link through a link": [directory("real"), file("real/a", ""), symlink("link", "real"), hardLink("b", "link/a")],
  };
  for (const [name, all] of Object.entries(intricate)) {
    await t.test(name, async () => {
      await assert.rejects(place.asTree(await tarOf(...all)), IntricateArchiveError);
    });
  }
});

test("bytes other than promised are refused at their end", { skip }, async () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-intake-"));
  const place = new Place(scratch.path);
  const tar = await tarOf(file("a", "content"));
  const intake = { diffId: diffIdOf(Buffer.from("other")), privilege: privilegeIn(scratch.path) };
  await assert.rejects(keepTree({ ...intake, directory: place.fresh() }, bytesOf(tar), signal), CorruptBlobError);
  await assert.rejects(keepTree({ ...intake, directory: place.fresh() }, bytesOf(tar.subarray(0, 515)), signal), ArchiveError);
});

test("a tree that was changed since it arrived is noticed", { skip }, async () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-intake-"));
  const place = new Place(scratch.path);
  const tar = await tarOf(directory("d"), file("d/f", "content"), file("d/g", "content"));
  const { directory: directoryPath } = await place.asTree(tar);
  const problem = (): Promise<string | undefined> => layerProblem(imageLayerId(diffIdOf(tar)), directoryPath, signal);
  assert.equal(await problem(), undefined);
  writeFileSync(join(directoryPath, "tree/d/f"), "CONTENT");
  assert.equal(await problem(), "d/f: has another content in its tree");
  truncateSync(join(directoryPath, "tree/d/f"), 3);
  assert.match((await problem()) ?? "", /has 3 bytes/);
});

test("hostile archives are refused, or come to the same as when their archive is kept, and nothing gets out", { skip }, async () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-intake-"));
  const place = new Place(scratch.path);
  const outside = join(scratch.path, "outside");
  const mark = basename(scratch.path).replace("stemma-intake", "");
  mkdirSync(outside);
  writeFileSync(join(outside, "keep"), "kept");
  const count = { same: 0, refused: 0, intricate: 0 };
  for (let seed = 1; seed <= ROUNDS; seed += 1) {
    const tar = randomHostileTar(seed, outside, mark);
    const streamed = await place.asTree(tar).catch((error: unknown) => error);
    const unpacked = await place.byWayOfArchive(tar).catch((error: unknown) => error);
    if (streamed instanceof IntricateArchiveError) count.intricate += 1;
    else if (streamed instanceof Error) {
      count.refused += 1;
      assert.ok(streamed instanceof ArchiveError, `seed ${seed}: ${streamed.stack ?? ""}`);
      assert.ok(unpacked instanceof ArchiveError, `seed ${seed}: ${streamed.message}, and its archive is kept`);
    } else {
      count.same += 1;
      assert.ok(!(unpacked instanceof Error), `seed ${seed}: ${String(unpacked)}`);
      assert.deepEqual({ ...(streamed as Outcome), directory: "" }, { ...(unpacked as Outcome), directory: "" }, `seed ${seed}`);
    }
    assert.deepEqual([readdirSync(outside), readFileSync(join(outside, "keep"), "utf8"), lstatSync(join(outside, "keep")).nlink], [["keep"], "kept", 1], `seed ${seed}`);
    assert.deepEqual(readdirSync("/").filter((name) => name.endsWith(mark)), [], `seed ${seed}`);
  }
  assert.ok(count.same > ROUNDS / 5 && count.refused > ROUNDS / 20 && count.intricate > ROUNDS / 20, JSON.stringify(count));
});
