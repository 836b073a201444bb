import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { collectBytes } from "../content/bytes.ts";
import { systemClock } from "../host/clock.ts";
import { openDirectory } from "./directory.ts";
import type { LocalDirectory, LocalEntry, LocalSelection } from "./session.ts";

const signal = new AbortController().signal;

/** A directory of the given files, a path with `->` being a symbolic link, gone after the test. */
function directoryOf(t: TestContext, paths: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), "stemma-session-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const path of paths) {
    const [name = "", target] = path.split(" -> ");
    mkdirSync(join(root, name, ".."), { recursive: true });
    if (target !== undefined) symlinkSync(target, join(root, name));
    else if (name.endsWith("/")) mkdirSync(join(root, name), { recursive: true });
    else writeFileSync(join(root, name), name);
  }
  return root;
}

async function walk(directory: LocalDirectory, selection: Partial<LocalSelection>): Promise<readonly LocalEntry[]> {
  return await Array.fromAsync(directory.walk({ followPaths: undefined, includePatterns: [], excludePatterns: [], ...selection }, signal));
}

async function check(t: TestContext, paths: readonly string[], selection: Partial<LocalSelection>, expected: readonly string[]): Promise<void> {
  const entries = await walk(openDirectory(directoryOf(t, paths)), selection);
  assert.deepEqual(entries.map(({ path }) => path), expected);
}

const tree = ["a/b/c.txt", "a/b/d.md", "a/e.txt", "x/y/z.txt", "top.txt"];

test("everything is sent, parents first, each directory in the order of its names' bytes", async (t) => {
  await check(t, ["b", "a.b", "a/z", "a/empty/", "B"], {}, ["B", "a", "a/empty", "a/z", "a.b", "b"]);
});

test("what is included brings the directories that lead to it, and no others", async (t) => {
  await check(t, tree, { includePatterns: ["**/c.txt", "x/y"] }, ["a", "a/b", "a/b/c.txt", "x", "x/y", "x/y/z.txt"]);
  await check(t, tree, { includePatterns: ["a/b/c.txt"] }, ["a", "a/b", "a/b/c.txt"]);
  await check(t, tree, { includePatterns: ["nope"] }, []);
});

test("what is excluded is left out but for its exceptions", async (t) => {
  await check(t, tree, { excludePatterns: ["a", "!a/b/*.md"] }, ["a", "a/b", "a/b/d.md", "top.txt", "x", "x/y", "x/y/z.txt"]);
  await check(t, tree, { excludePatterns: ["*", "!x"] }, ["x", "x/y", "x/y/z.txt"]);
  await check(t, tree, { includePatterns: ["a"], excludePatterns: ["**/*.md"] }, ["a", "a/b", "a/b/c.txt", "a/e.txt"]);
});

test("followed paths bring the links on their way and what they lead to", async (t) => {
  const links = ["dir/file", "dir/other", "l1 -> l2/file", "l2 -> dir", "up -> ../../dir/other", "abs -> /dir", "loop -> loop", "w1/x", "w2 -> w1"];
  await check(t, links, { followPaths: ["l1"] }, ["dir", "dir/file", "l1", "l2"]);
  await check(t, links, { followPaths: ["/up"] }, ["dir", "dir/other", "up"]);
  await check(t, links, { followPaths: ["abs/file"] }, ["abs", "dir", "dir/file"]);
  await check(t, links, { followPaths: ["loop"] }, ["loop"]);
  await check(t, links, { followPaths: ["w*/x"] }, ["w1", "w1/x", "w2"]);
  await check(t, links, { followPaths: ["missing/deep"] }, []);
  await check(t, links, { followPaths: ["dir/f*"] }, ["dir", "dir/file"]);
  await check(t, ["a", "b"], { followPaths: ["/"] }, ["a", "b"]);
  await check(t, ["a", "b"], { followPaths: [] }, ["a", "b"]);
});

test("malformed patterns are told before anything is sent", async (t) => {
  const directory = openDirectory(directoryOf(t, ["a"]));
  await assert.rejects(walk(directory, { excludePatterns: ["a["] }), { code: "bad-pattern", message: "invalid excludepatterns: [a[]: syntax error in pattern" });
});

test("entries tell kind, mode, time, link and root as owner", async (t) => {
  const root = directoryOf(t, ["file", "link -> file", "dir/"]);
  linkSync(join(root, "file"), join(root, "second"));
  spawnSync("mkfifo", [join(root, "pipe")]);
  utimesSync(join(root, "file"), 1, 1.5);
  const entries = new Map((await walk(openDirectory(root), {})).map((entry) => [entry.path, entry]));
  assert.deepEqual([...entries.keys()], ["dir", "file", "link", "pipe", "second"]);
  assert.equal(entries.get("file")?.mtimeNs, 1_500_000_000n);
  assert.equal(entries.get("file")?.sizeBytes, 4);
  assert.equal(entries.get("link")?.linkname, "file");
  assert.equal(entries.get("pipe")?.kind, "fifo");
  assert.deepEqual([entries.get("second")?.kind, entries.get("second")?.linkname], ["hardlink", "file"]);
  assert.ok([...entries.values()].every(({ uid, gid }) => uid === 0 && gid === 0));
});

test("a socket is an empty file, which is what BuildKit's clients send", async (t) => {
  const root = directoryOf(t, []);
  const server = createServer().listen(join(root, "agent.sock"));
  await once(server, "listening");
  t.after(() => server.close());
  const directory = openDirectory(root);
  assert.deepEqual((await walk(directory, {})).map(({ path, kind, sizeBytes }) => [path, kind, sizeBytes]), [["agent.sock", "file", 0]]);
  assert.equal((await collectBytes(directory.read("agent.sock", signal), 100)).byteLength, 0);
});

test("a link whose first name is not sent is a file", async (t) => {
  const root = directoryOf(t, ["a"]);
  linkSync(join(root, "a"), join(root, "b"));
  assert.deepEqual((await walk(openDirectory(root), { excludePatterns: ["a"] })).map(({ kind }) => kind), ["file"]);
});

test("a file has a validator only once its times are old enough to be trusted", async (t) => {
  const root = directoryOf(t, ["file"]);
  const later = { ...systemClock, nowNs: () => systemClock.nowNs() + 10_000_000_000n };
  assert.equal((await walk(openDirectory(root), {}))[0]?.validator, undefined);
  const [settled] = await walk(openDirectory(root, { clock: later }), {});
  assert.match(settled?.validator ?? "", /^\d+:\d+:4:\d+:\d+$/);
  writeFileSync(join(root, "file"), "FILE");
  assert.notEqual((await walk(openDirectory(root, { clock: later }), {}))[0]?.validator, settled?.validator);
});

test("excluded places are not lent, whatever is asked for", async (t) => {
  const root = directoryOf(t, ["state/secret", "a"]);
  symlinkSync("state", join(root, "l"));
  const directory = openDirectory(root, { exclude: [join(root, "l"), join(root, "not-yet")] });
  assert.deepEqual((await walk(directory, { includePatterns: ["**"] })).map(({ path }) => path), ["a", "l"]);
});

test("a directory that may not be read is an error only where it is asked for", { skip: process.getuid?.() === 0 ? false : "only root can become somebody who may not" }, async (t) => {
  const root = directoryOf(t, ["closed/a", "open"]);
  chmodSync(root, 0o755);
  chmodSync(join(root, "closed"), 0o700);
  const directory = openDirectory(root);
  process.seteuid?.(65_534);
  try {
    assert.deepEqual((await walk(directory, { excludePatterns: ["closed", "!closed/x"] })).map(({ path }) => path), ["open"]);
    await assert.rejects(walk(directory, {}), { code: "unreadable", message: `open ${root}/closed: permission denied` });
  } finally {
    process.seteuid?.(0);
  }
});

test("names that are no UTF-8 go through unchanged", async (t) => {
  const root = directoryOf(t, ["a"]);
  writeFileSync(Buffer.concat([Buffer.from(`${root}/b`), Buffer.of(0xff)]), "bytes");
  const directory = openDirectory(root);
  const [, odd] = await walk(directory, {});
  assert.equal(odd?.path, "b\udcff");
  assert.equal((await collectBytes(directory.read(odd.path, signal), 100)).toString(), "bytes");
});

test("small and large files are read whole", async (t) => {
  const root = directoryOf(t, ["small", "empty"]);
  writeFileSync(join(root, "empty"), "");
  writeFileSync(join(root, "large"), Buffer.alloc(3_000_000, "x"));
  const directory = openDirectory(root);
  assert.equal((await collectBytes(directory.read("small", signal), 100)).toString(), "small");
  assert.equal((await collectBytes(directory.read("empty", signal), 100)).byteLength, 0);
  assert.equal((await collectBytes(directory.read("large", signal), 4_000_000)).byteLength, 3_000_000);
  await assert.rejects(collectBytes(directory.read("gone", signal), 1), { code: "unreadable", message: `open ${root}/gone: no such file or directory` });
});

test("only a directory can be opened", (t) => {
  const root = directoryOf(t, ["file"]);
  assert.throws(() => openDirectory(join(root, "file")), { code: "not-a-directory" });
  assert.throws(() => openDirectory(join(root, "gone")), { code: "not-a-directory" });
});
