import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { rawHeader, rawTar } from "../testing/raw-tar.ts";
import { writeTar } from "../archive/tar-writer.ts";
import type { Entry } from "../archive/entry.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { FileOpSchema, message, type MessageInitShape } from "../llb/op.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import { Tree } from "../snapshot/tree.ts";
import { MemoryLayerStore, memoryLayer } from "../testing/memory-layer-store.ts";
import { describeEntry, layerOf } from "../testing/tree-text.ts";
import { runFileOp } from "./file.ts";

type ActionInit = NonNullable<MessageInitShape<typeof FileOpSchema>["actions"]>[number];
type CopyInit = Extract<NonNullable<ActionInit["action"]>, { case: "copy" }>["value"];

const signal = new AbortController().signal;
const NOW = 9_000_000_000n;
const context = { signal, clock: { now: () => new Date(9000), nowNs: () => NOW } };

const base = layerOf("base", [
  "d 755 0:0 bin", "f 755 0:0 bin/sh = sh", "d 755 0:0 etc", "f 644 0:0 etc/passwd = root:x:0:0::/:/bin/sh\napp:x:1000:1001::/:/bin/sh\n",
  "f 644 0:0 etc/group = root:x:0:\nstaff:x:50:\n", "d 700 5:5 data", "f 644 0:0 data/old = old", "l 777 0:0 link -> data", "l 777 0:0 out -> ../../data",
]);
const source = layerOf("source", [
  "d 750 7:7 app", "f 640 7:7 app/a.txt = a", "h 640 7:7 app/hard -> app/a.txt", "l 777 7:7 app/link -> a.txt", "d 711 7:7 app/sub", "f 600 7:7 app/sub/b.md = b",
  "p 600 7:7 app/pipe", "f 644 7:7 top = top", "l 777 0:0 current -> app",
]);

function copy(init: CopyInit): ActionInit {
  const defaults = { mode: -1, timestamp: -1n, createDestPath: true, followSymlink: true, dirCopyContents: true, allowWildcard: true, allowEmptyWildcard: true };
  return { input: 0n, secondaryInput: 1n, output: 0n, action: { case: "copy", value: { ...defaults, ...init } } };
}

function act(action: NonNullable<ActionInit["action"]>): ActionInit {
  return { input: 0n, secondaryInput: -1n, output: 0n, action };
}

async function run(actions: readonly ActionInit[], inputs: readonly LayerChain[] = [[base], [source]]): Promise<readonly LayerChain[]> {
  return await runFileOp(message(FileOpSchema, { actions: [...actions] }), inputs, new MemoryLayerStore(), context);
}

/** What the operation's layer holds, as lines of the tree text. */
async function layerLines(actions: readonly ActionInit[], inputs?: readonly LayerChain[]): Promise<readonly string[]> {
  const [chain] = await run(actions, inputs);
  return (await chain?.at(-1)?.entries(signal) ?? []).map(describeEntry);
}

async function check(action: ActionInit, expected: readonly string[], inputs?: readonly LayerChain[]): Promise<void> {
  assert.deepEqual(await layerLines([action], inputs), expected);
}

async function refuse(action: ActionInit, text: string): Promise<void> {
  await assert.rejects(run([action]), { message: text });
}

async function text(chain: LayerChain | undefined, path: string): Promise<string> {
  const node = (await Tree.open(chain ?? [], signal)).lookup(path);
  assert.ok(node !== undefined, path);
  return (await collectBytes(node.layer.read(node.stored, signal), 1_000_000)).toString();
}

const appBelow = (to: string): string[] => [
  `f 640 7:7 ${to}/a.txt`, `h 640 7:7 ${to}/hard -> ${to}/a.txt`, `l 777 7:7 ${to}/link -> a.txt`, `p 600 7:7 ${to}/pipe`, `d 711 7:7 ${to}/sub`, `f 600 7:7 ${to}/sub/b.md`,
];

test("a directory's contents go into a new directory of the default mode, owners and hard links kept", async () => {
  await check(copy({ src: "/app", dest: "/new" }), ["d 755 0:0 new", ...appBelow("new")]);
  await check(copy({ src: "/app", dest: "/new/deep/" }), ["d 755 0:0 new", "d 755 0:0 new/deep", ...appBelow("new/deep")]);
  await check(copy({ src: "/current", dest: "/new" }), ["d 755 0:0 new", ...appBelow("new")]);
});

test("a directory that is copied as such is put under its name where the destination is there", async () => {
  await check(copy({ src: "/app", dest: "/data/", dirCopyContents: false }), ["d 700 5:5 data", "d 750 7:7 data/app", ...appBelow("data/app")]);
  await check(copy({ src: "/app", dest: "/fresh", dirCopyContents: false }), ["d 750 7:7 fresh", ...appBelow("fresh")]);
});

test("merging keeps the metadata at the top, and takes over the copied ones below", async () => {
  const below = layerOf("below", ["d 700 1:1 data/sub", "f 600 1:1 data/sub/keep = k"]);
  await check(copy({ src: "/app", dest: "/data" }), ["d 700 5:5 data", ...appBelow("data")], [[base, below], [source]]);
});

test("a file goes to a path, or into a directory, also through links of the tree, never out of it", async () => {
  await check(copy({ src: "/top", dest: "/bin/tool" }), ["d 755 0:0 bin", "f 644 7:7 bin/tool"]);
  await check(copy({ src: "/top", dest: "/bin" }), ["d 755 0:0 bin", "f 644 7:7 bin/top"]);
  await check(copy({ src: "/top", dest: "/link/" }), ["d 700 5:5 data", "f 644 7:7 data/top"]);
  await check(copy({ src: "/top", dest: "/out/x/y" }), ["d 700 5:5 data", "d 755 0:0 data/x", "f 644 7:7 data/x/y"]);
  await check(copy({ src: "/top", dest: "/../../z" }), ["f 644 7:7 z"]);
});

test("links are copied as links unless they are to be followed", async () => {
  await check(copy({ src: "/app/link", dest: "/l", followSymlink: false }), ["l 777 7:7 l -> a.txt"]);
  await check(copy({ src: "/app/link", dest: "/l" }), ["f 640 7:7 l"]);
});

test("a block device is copied as the character device of its numbers, as by BuildKit", async () => {
  const devices = layerOf("devices", ["b 660 0:6 disk", "c 666 0:0 null"]);
  await check(copy({ src: "/", dest: "/dev" }), ["d 755 0:0 dev", "c 660 0:6 dev/disk", "c 666 0:0 dev/null"], [[base], [devices]]);
});

test("owner, mode and time of the action win, for the directories made on the way too", async () => {
  const owner = { user: { user: { case: "byID", value: 3 } }, group: { user: { case: "byID", value: 4 } } } as const;
  await check(copy({ src: "/top", dest: "/a/b", owner, mode: 0o600 }), ["d 600 3:4 a", "f 600 3:4 a/b"]);
  // The number that tells chown(2) to leave it.
  await check(copy({ src: "/app/a.txt", dest: "/a/b", owner: { user: { user: { case: "byID", value: 0xffff_ffff } } } }), ["d 755 0:0 a", "f 640 0:0 a/b"]);
  await check(copy({ src: "/app/sub", dest: "/a", modeStr: "u+s,go=rX" }), ["d 755 0:0 a", "f 4644 7:7 a/b.md"]);
  const [chain] = await run([copy({ src: "/app", dest: "/t/new", timestamp: 42n })]);
  const entries = await chain?.at(-1)?.entries(signal) ?? [];
  assert.ok(entries.every(({ mtimeNs }) => mtimeNs === 42n));
});

test("names are looked up in the tree that the action points to; unknown ones are root", async () => {
  const owner = (user: string, group?: string): CopyInit["owner"] => ({
    user: { user: { case: "byName", value: { name: user, input: 0n } } },
    ...(group === undefined ? {} : { group: { user: { case: "byName", value: { name: group, input: 0n } } } }),
  });
  await check(copy({ src: "/top", dest: "/x", owner: owner("app") }), ["f 644 1000:1001 x"]);
  await check(copy({ src: "/top", dest: "/x", owner: owner("app", "staff") }), ["f 644 1000:50 x"]);
  await check(copy({ src: "/top", dest: "/x", owner: owner("nobody-here", "staff") }), ["f 644 0:50 x"]);
  await check(copy({ src: "/top", dest: "/x", owner: owner("app") }), ["f 644 0:0 x"], [[], [source]]);
});

test("times of copied files are kept, and directories that get new files are new", async () => {
  const [chain] = await run([copy({ src: "/app/sub/b.md", dest: "/bin/b" })]);
  const times = new Map((await chain?.at(-1)?.entries(signal) ?? []).map(({ path, mtimeNs }) => [path, mtimeNs]));
  assert.deepEqual([...times], [["bin", NOW], ["bin/b", 1_000_000_000n]]);
});

test("a directory that no layer describes is as new as the tree that it is in", async () => {
  const implied = layerOf("implied", ["f 644 0:0 a/b/c/f = x"]);
  const timesOf = async (chain: LayerChain | undefined): Promise<unknown> => (await chain?.at(-1)?.entries(signal))?.map(({ path, mtimeNs }) => [path, mtimeNs]);
  const [from] = await run([copy({ src: "/a", dest: "/o" })], [[base], [implied]]);
  assert.deepEqual(await timesOf(from), [["o", NOW], ["o/b", NOW], ["o/b/c", NOW], ["o/b/c/f", 1_000_000_000n]]);
  const [into] = await run([copy({ src: "/top", dest: "/a/b/new" })], [[implied], [source]]);
  assert.deepEqual(await timesOf(into), [["a", NOW], ["a/b", NOW], ["a/b/new", 1_000_000_000n]]);
});

test("wildcards and patterns choose what is copied", async () => {
  await check(copy({ src: "/a*/*.txt", dest: "/w/" }), ["d 755 0:0 w", "f 640 7:7 w/a.txt"]);
  await check(copy({ src: "/none*", dest: "/w/" }), []);
  await refuse(copy({ src: "/none*", dest: "/w/", allowEmptyWildcard: false }), "/none* not found");
  await check(copy({ src: "/", dest: "/w/", includePatterns: ["app/sub/*.md"] }), ["d 755 0:0 w", "d 750 7:7 w/app", "d 711 7:7 w/app/sub", "f 600 7:7 w/app/sub/b.md"]);
  await check(copy({ src: "/app", dest: "/w/", excludePatterns: ["*", "!sub/b.md"] }), ["d 755 0:0 w", "d 711 7:7 w/sub", "f 600 7:7 w/sub/b.md"]);
});

test("what is in the way is replaced among files, and refused across kinds", async () => {
  await check(copy({ src: "/top", dest: "/data/old" }), ["d 700 5:5 data", "f 644 7:7 data/old"]);
  const inTheWay = layerOf("way", ["f 644 0:0 way/sub = file", "d 755 0:0 way/a.txt"]);
  const into = copy({ src: "/app", dest: "/way" });
  await assert.rejects(run([into], [[base, inTheWay], [source]]), { message: "cannot replace to directory /way/a.txt with file" });
  await assert.rejects(run([copy({ src: "/app/sub", dest: "/way/sub" })], [[base, inTheWay], [source]]), { message: "cannot copy to non-directory: /way/sub" });
  await assert.rejects(run([copy({ src: "/", dest: "/", includePatterns: ["app/sub"] })], [[base, layerOf("w", ["f 644 0:0 app = file"])], [source]]), { message: "cannot copy to non-directory: /app" });
  await check(copy({ src: "/app", dest: "/way", alwaysReplaceExistingDestPaths: true }), ["d 755 0:0 way", ...appBelow("way")], [[base, inTheWay], [source]]);
});

test("what is not there is told in the words of the system", async () => {
  await refuse(copy({ src: "/nope", dest: "/x" }), "lstat /nope: no such file or directory");
  await refuse(copy({ src: "/top", dest: "/no/where", createDestPath: false }), "failed to stat /no/where: lstat /no: no such file or directory");
  await refuse(copy({ src: "/top", dest: "/bin/sh/x" }), "mkdir /bin/sh: not a directory");
  await refuse(copy({ src: "/top", dest: "/bin/sh/x/y" }), "lstat /bin/sh/x: not a directory");
  await refuse(copy({ src: "/app", dest: "/x", excludePatterns: ["a["] }), "invalid excludepatterns: [a[]: syntax error in pattern");
});

test("the same file again is no change, whatever its content was read from", async () => {
  const [first] = await run([copy({ src: "/top", dest: "/x" })]);
  assert.deepEqual(await layerLines([copy({ src: "/top", dest: "/x" })], [first ?? [], [source]]), []);
});

test("directories, files and links are made, and what is there is treated as the system does", async () => {
  await check(act({ case: "mkdir", value: { path: "/a/b", mode: 0o711, makeParents: true, timestamp: 5n } }), ["d 711 0:0 a", "d 711 0:0 a/b"]);
  await check(act({ case: "mkdir", value: { path: "/link/new", mode: 0o755, timestamp: -1n } }), ["d 700 5:5 data", "d 755 0:0 data/new"]);
  await check(act({ case: "mkdir", value: { path: "/bin", mode: 0o700, makeParents: true, timestamp: -1n } }), []);
  await refuse(act({ case: "mkdir", value: { path: "/a/b", mode: 0o755, timestamp: -1n } }), "mkdir /a/b: no such file or directory");
  await refuse(act({ case: "mkdir", value: { path: "/bin/sh", mode: 0o755, makeParents: true, timestamp: -1n } }), "mkdir /bin/sh: not a directory");

  const made = await run([act({ case: "mkfile", value: { path: "/etc/motd", mode: 0o640, data: Buffer.from("hello"), timestamp: -1n } })]);
  assert.equal(await text(made[0], "etc/motd"), "hello");
  await check(act({ case: "mkfile", value: { path: "/bin/sh", mode: 0o600, data: Buffer.from("new"), timestamp: -1n } }), ["d 755 0:0 bin", "f 755 0:0 bin/sh"]);
  await refuse(act({ case: "mkfile", value: { path: "/bin", mode: 0o600, timestamp: -1n } }), "open /bin: is a directory");

  await check(act({ case: "symlink", value: { oldpath: "sh", newpath: "/bin/bash", timestamp: -1n } }), ["d 755 0:0 bin", "l 777 0:0 bin/bash -> sh"]);
  await refuse(act({ case: "symlink", value: { oldpath: "sh", newpath: "/bin/sh", timestamp: -1n } }), "symlink sh /bin/sh: file exists");
});

test("what is made in a directory that hands down its group has that group, and directories hand it on", async () => {
  const shared = [[layerOf("shared", ["d 2775 9:50 srv"])], [source]];
  await check(act({ case: "mkdir", value: { path: "/srv/a/b", mode: 0o711, makeParents: true, timestamp: -1n } }), ["d 2775 9:50 srv", "d 2711 0:50 srv/a", "d 2711 0:50 srv/a/b"], shared);
  await check(act({ case: "mkdir", value: { path: "/srv/a", mode: 0o755, timestamp: -1n } }), ["d 2775 9:50 srv", "d 2755 0:50 srv/a"], shared);
  await check(act({ case: "mkfile", value: { path: "/srv/a", mode: 0o640, timestamp: -1n } }), ["d 2775 9:50 srv", "f 640 0:50 srv/a"], shared);
  await check(act({ case: "symlink", value: { oldpath: "b", newpath: "/srv/a", timestamp: -1n } }), ["d 2775 9:50 srv", "l 777 0:50 srv/a -> b"], shared);
  await check(copy({ src: "/app", dest: "/srv/x/y", includePatterns: ["sub"], owner: { user: { user: { case: "byID", value: 3 } } } }), ["d 2775 9:50 srv", "d 2755 3:3 srv/x", "d 2755 3:3 srv/x/y", "d 711 3:3 srv/x/y/sub", "f 600 3:3 srv/x/y/sub/b.md"], shared);
  await check(copy({ src: "/app/sub", dest: "/srv/x/y" }), ["d 2775 9:50 srv", "d 2755 0:50 srv/x", "d 2755 0:50 srv/x/y", "f 600 7:7 srv/x/y/b.md"], shared);
});

test("what is removed leaves a whiteout, what the link leads to stays", async () => {
  await check(act({ case: "rm", value: { path: "/data" } }), ["w 0 0:0 data"]);
  await check(act({ case: "rm", value: { path: "/link/old" } }), ["d 700 5:5 data", "w 0 0:0 data/old"]);
  await check(act({ case: "rm", value: { path: "/link" } }), ["w 0 0:0 link"]);
  await check(act({ case: "rm", value: { path: "/e*/p*", allowWildcard: true } }), ["d 755 0:0 etc", "w 0 0:0 etc/passwd"]);
  await check(act({ case: "rm", value: { path: "/nope", allowNotFound: true } }), []);
  await refuse(act({ case: "rm", value: { path: "/nope" } }), "stat /nope: no such file or directory");
  await refuse(act({ case: "rm", value: { path: "/" } }), "rmPath: invalid empty path");
});

test("a chain of actions makes one layer; a tree that is used twice is a layer of its own", async () => {
  const mkdir = (path: string): NonNullable<ActionInit["action"]> => ({ case: "mkdir", value: { path, mode: 0o755, timestamp: -1n } });
  const [one] = await run([{ input: 0n, secondaryInput: -1n, output: -1n, action: mkdir("/one") }, { input: 2n, secondaryInput: -1n, output: 0n, action: mkdir("/one/two") }]);
  assert.equal(one?.length, 2);
  const outputs = await run([
    { input: 0n, secondaryInput: -1n, output: 0n, action: mkdir("/a") }, { input: 2n, secondaryInput: -1n, output: 1n, action: mkdir("/b") }, { input: 2n, secondaryInput: -1n, output: 2n, action: mkdir("/c") },
  ]);
  assert.deepEqual(outputs.map((chain) => chain.length), [2, 3, 3]);
  assert.equal(outputs[1]?.[1], outputs[2]?.[1]);
});

test("a copy can take from what an earlier action made", async () => {
  const [chain] = await run([
    { input: -1n, secondaryInput: -1n, output: -1n, action: { case: "mkfile", value: { path: "/f", mode: 0o600, data: Buffer.from("x"), timestamp: -1n } } },
    { ...copy({ src: "/f", dest: "/g" }), secondaryInput: 2n },
  ]);
  assert.equal(await text(chain, "g"), "x");
});

test("an operation that cannot be carried out is refused before anything is", async () => {
  const action = act({ case: "mkdir", value: { path: "/a", mode: 0o755 } });
  await refuse({ ...action, output: -1n }, "no outputs specified");
  await refuse({ ...action, output: 1n }, "missing output index 0");
  await refuse({ ...action, input: 9n }, "invalid input index 9, 3 provided");
  await refuse({ ...action, input: 2n }, "loop from index 2");
});

const archived: readonly Entry[] = [
  { path: "dir", kind: "directory", mode: 0o750, uid: 8, gid: 9, mtimeNs: 3_000_000_000n, sizeBytes: 0 },
  { path: "dir/f", kind: "file", mode: 0o4755, uid: 8, gid: 9, mtimeNs: 4_000_000_000n, sizeBytes: 7 },
  { path: "dir/again", kind: "hardlink", mode: 0o4755, uid: 8, gid: 9, mtimeNs: 4_000_000_000n, sizeBytes: 0, linkname: "dir/f" },
  { path: "implied/l", kind: "symlink", mode: 0o777, uid: 8, gid: 9, mtimeNs: 0n, sizeBytes: 0, linkname: "/dir" },
  { path: "implied/l/through", kind: "file", mode: 0o644, uid: 8, gid: 9, mtimeNs: 0n, sizeBytes: 7 },
];

async function archive(entriesOf: readonly Entry[] = archived): Promise<Buffer> {
  const members = async function* () {
    for (const entry of entriesOf) yield { entry, content: bytesOf(Buffer.from("content").subarray(0, entry.sizeBytes)) };
  };
  return await collectBytes(writeTar(members()), 1_000_000);
}

async function unpack(bytes: Uint8Array, changes: CopyInit = {}): Promise<LayerChain | undefined> {
  const entry: Entry = { path: "pack", kind: "file", mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: bytes.byteLength };
  const [chain] = await run([copy({ src: "/pack", dest: "/un/packed/", attemptUnpackDockerCompatibility: true, ...changes })], [[base], [memoryLayer("pack", [entry], new Map([["pack", bytes]]))]]);
  return chain;
}

const unpacked = [
  "d 755 0:0 un", "d 755 0:0 un/packed", "d 750 8:9 un/packed/dir", "f 4755 8:9 un/packed/dir/again", "h 4755 8:9 un/packed/dir/f -> un/packed/dir/again",
  "f 644 8:9 un/packed/dir/through", "d 755 0:0 un/packed/implied", "l 777 8:9 un/packed/implied/l -> /dir",
];

const compressions: ReadonlyArray<readonly [name: string, compress: (bytes: Buffer) => Uint8Array | undefined]> = [
  ["none", (bytes) => bytes], ["gzip", (bytes) => gzipSync(bytes)], ["zstd", (bytes) => zstdCompressSync(bytes)],
  ["bzip2", (bytes) => throughProgram("bzip2", bytes)], ["xz", (bytes) => throughProgram("xz", bytes)],
];

function throughProgram(name: string, input: Buffer): Uint8Array | undefined {
  const { error, stdout } = spawnSync(name, ["-c"], { input, maxBuffer: 10_000_000 });
  return error === undefined ? stdout : undefined;
}

for (const [name, compress] of compressions) {
  test(`an archive is unpacked, links staying within where it goes (${name})`, async (t) => {
    const bytes = compress(await archive());
    if (bytes === undefined) {
      t.skip(`no ${name} program`);
      return;
    }
    const chain = await unpack(bytes);
    const entries = await chain?.at(-1)?.entries(signal) ?? [];
    assert.deepEqual(entries.map(describeEntry), unpacked);
    assert.equal(await text(chain, "un/packed/dir/through"), "content");
    assert.equal(entries.find(({ path }) => path === "un/packed/dir")?.mtimeNs, 3_000_000_000n);
  });
}

test("what an archive says of a link is so of the file, by all its names, and of a symbolic link the owner alone", async () => {
  const one = { uid: 1, gid: 1, mtimeNs: 1_000_000_000n, sizeBytes: 0 };
  const two = { uid: 2, gid: 3, mtimeNs: 2_000_000_000n, sizeBytes: 0 };
  const bytes = await archive([
    { path: "f", kind: "file", mode: 0o600, ...one, sizeBytes: 7 },
    { path: "again", kind: "hardlink", mode: 0o644, ...one, linkname: "f" },
    { path: "last", kind: "hardlink", mode: 0o4750, ...two, linkname: "again" },
    { path: "gone", kind: "file", mode: 0o600, ...one, sizeBytes: 7 },
    { path: "gone-too", kind: "hardlink", mode: 0o600, ...one, linkname: "gone" },
    { path: "gone", kind: "file", mode: 0o640, ...one, sizeBytes: 7 },
    { path: "kept", kind: "hardlink", mode: 0o444, ...two, linkname: "gone-too" },
    { path: "s", kind: "symlink", mode: 0o777, ...one, linkname: "f" },
    { path: "s-again", kind: "hardlink", mode: 0o600, ...two, linkname: "s" },
  ]);
  const chain = await unpack(bytes, { dest: "/un/" });
  const entries = await chain?.at(-1)?.entries(signal) ?? [];
  assert.deepEqual(entries.map((entry) => `${describeEntry(entry)} ${entry.mtimeNs / 1_000_000_000n}`).filter((line) => line.includes("un/")), [
    "f 4750 2:3 un/again 2", "h 4750 2:3 un/f -> un/again 2", "f 640 1:1 un/gone 1", "f 444 2:3 un/gone-too 2", "h 444 2:3 un/kept -> un/gone-too 2",
    "h 4750 2:3 un/last -> un/again 2", "l 777 2:3 un/s -> f 1", "h 777 2:3 un/s-again -> un/s 1",
  ]);
});

test("a second name of a file in an archive takes its capabilities away, unless it has some itself", async () => {
  const said = { uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: 0 };
  const attributes = (...names: readonly string[]): Pick<Entry, "xattrs"> => ({ xattrs: new Map(names.map((name) => [name, Buffer.from("x")])) });
  const bytes = await archive([
    { path: "f", kind: "file", mode: 0o755, ...said, ...attributes("security.capability", "user.f") },
    { path: "f-again", kind: "hardlink", mode: 0o755, ...said, ...attributes("user.again"), linkname: "f" },
    { path: "g", kind: "file", mode: 0o755, ...said },
    { path: "g-again", kind: "hardlink", mode: 0o755, ...said, ...attributes("security.capability"), linkname: "g" },
  ]);
  const chain = await unpack(bytes, { dest: "/un/" });
  const entries = await chain?.at(-1)?.entries(signal) ?? [];
  assert.deepEqual(entries.slice(1).map(({ path, xattrs }) => [path, ...(xattrs?.keys() ?? [])]), [
    ["un/f", "user.f", "user.again"], ["un/f-again", "user.f", "user.again"], ["un/g", "security.capability"], ["un/g-again", "security.capability"],
  ]);
});

test("times of files that are copied stay, whatever they are", async () => {
  const odd = layerOf("odd", ["d 755 0:0 d", "f 644 0:0 d/f = f"], -1_500_000_000n);
  const chain = await run([copy({ src: "/d/f", dest: "/" })], [[base], [odd]]);
  assert.equal((await chain[0]?.at(-1)?.entries(signal))?.[0]?.mtimeNs, -1_500_000_000n);
});

test("times of an archive that Go's tools cannot set are the beginning of time", async () => {
  const times = [-1n, 9_223_372_036_854_775_807n, 9_223_372_036_854_775_808n];
  const chain = await unpack(await archive(times.map((mtimeNs, at) => ({ path: `f${at}`, kind: "file", mode: 0o644, uid: 0, gid: 0, mtimeNs, sizeBytes: 0 }))), { dest: "/un/" });
  assert.deepEqual((await chain?.at(-1)?.entries(signal))?.slice(1).map(({ mtimeNs }) => mtimeNs), [0n, 9_223_372_036_854_775_807n, 0n]);
});

test("what is unpacked into is as it was for an archive's `./`, and takes what its `/` says", async () => {
  const root = (name: string): Buffer => rawHeader({ name, typeflag: "5", patch: (block) => void block.write("0000710\x000000005\x000000006\0", 100) });
  const [dot, slash] = [rawTar(root("./"), Buffer.alloc(1024)), rawTar(root("/"), Buffer.alloc(1024))] as const;
  const described = async (bytes: Buffer, changes: CopyInit = {}): Promise<readonly string[] | undefined> => (await (await unpack(bytes, { dest: "/un/", ...changes }))?.at(-1)?.entries(signal))?.map(describeEntry);
  assert.deepEqual(await described(dot), ["d 755 0:0 un"]);
  assert.deepEqual(await described(slash), ["d 710 5:6 un"]);
  assert.deepEqual(await described(slash, { owner: { user: { user: { case: "byID", value: 3 } } } }), ["d 710 3:3 un"]);
});

test("what takes the place of an archive's directory gets its time too, by all its names", async () => {
  const said = { mode: 0o755, uid: 0, gid: 0, sizeBytes: 0 };
  const chain = await unpack(await archive([
    { path: "d", kind: "directory", ...said, mtimeNs: 7_000_000_000n },
    { path: "f", kind: "file", ...said, mtimeNs: 1_000_000_000n },
    { path: "d", kind: "hardlink", ...said, mtimeNs: 2_000_000_000n, linkname: "f" },
  ]), { dest: "/un/" });
  assert.deepEqual((await chain?.at(-1)?.entries(signal))?.slice(1).map(({ path, mtimeNs }) => [path, mtimeNs / 1_000_000_000n]), [["un/d", 7n], ["un/f", 7n]]);
});

test("what would be a mark in a layer hides nothing in an archive, and is unpacked as any file", async () => {
  const names = ["f", ".wh.f", "sub/.wh..wh..opq"];
  const chain = await unpack(await archive(names.map((path) => ({ path, kind: "file", mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: 0 }))), { dest: "/data/" });
  assert.deepEqual((await chain?.at(-1)?.entries(signal))?.map(describeEntry), ["d 700 5:5 data", "f 644 0:0 data/.wh.f", "f 644 0:0 data/f", "d 755 0:0 data/sub", "f 644 0:0 data/sub/.wh..wh..opq"]);
});

test("a link of an archive to what is no file is told of as the archive names both", async () => {
  const link = (linkname: string): Entry => ({ path: "dir/l", kind: "hardlink", mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: 0, linkname });
  const packed = async (...entries: Entry[]): Promise<LayerChain | undefined> => await unpack(await archive(entries), { dest: "/data/in/" });
  await assert.rejects(packed(link("sub/gone")), { message: "link /sub/gone /dir/l: no such file or directory" });
  await assert.rejects(packed(link("dir")), { message: "link /dir /dir/l: operation not permitted" });
});

test("an archive's files go to the owner that is named, and over what is there", async () => {
  const owner = { user: { user: { case: "byID", value: 3 } } } as const;
  const chain = await unpack(await archive(), { owner, dest: "/data" });
  assert.deepEqual((await chain?.at(-1)?.entries(signal))?.slice(0, 3).map(describeEntry), ["d 700 5:5 data", "d 750 3:3 data/dir", "f 4755 3:3 data/dir/again"]);
});

test("what is no archive is copied", async () => {
  for (const bytes of [Buffer.from("text"), Buffer.alloc(2000, "x"), gzipSync("text"), new Uint8Array()]) {
    const chain = await unpack(bytes);
    assert.deepEqual((await chain?.at(-1)?.entries(signal))?.map(({ path }) => path), ["un", "un/packed", "un/packed/pack"]);
  }
});
