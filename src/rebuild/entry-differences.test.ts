import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../archive/entry.ts";
import { writeTar } from "../archive/tar-writer.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { memoryLayer } from "../testing/memory-layer-store.ts";
import { layerOf } from "../testing/tree-text.ts";
import { entryDifferences } from "./entry-differences.ts";

type Layer = ReturnType<typeof layerOf>;

const signal = new AbortController().signal;
const TREE = ["d 755 0:0 ", "d 755 0:0 app", "f 644 0:0 app/a = alpha", "f 644 0:0 app/b = beta", "h 644 0:0 app/c -> app/a", "l 777 0:0 app/d -> a", "c 600 0:0 app/e", "w 0 0:0 app/f", "o 0 0:0 app"];

/** `path: aspect first → second`, one for each aspect. */
async function said(first: Layer, second: Layer): Promise<string[]> {
  const found = await entryDifferences(first, second, signal);
  return found.flatMap(({ path, aspects }) => aspects.map(({ aspect, first: a, second: b }) => `/${path}: ${aspect}${a === undefined ? "" : ` ${a}`}${b === undefined ? "" : ` → ${b}`}`));
}

/** TREE with the entry of one path changed. */
async function changed(path: string, change: Partial<Entry>, content?: string): Promise<Layer> {
  const layer = layerOf("changed", TREE.map((line) => (content === undefined ? line : line.replace(` ${path} = alpha`, ` ${path} = ${content}`))));
  const entries = (await layer.entries(signal)).map((entry) => (entry.path === path && entry.kind !== "opaque" ? { ...entry, ...change } : entry));
  return { ...layer, entries: async () => entries };
}

test("two archives that hold the same have no difference", async () => {
  assert.deepEqual(await said(layerOf("a", TREE), layerOf("b", TREE)), []);
});

const capability = new Map([["security.capability", Buffer.from("01", "hex")]]);
const rows: ReadonlyArray<readonly [what: string, path: string, change: Partial<Entry>, content: string | undefined, says: string]> = [
  ["content of one size", "app/a", {}, "alpHa", "/app/a: content sha256:8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8 → sha256:"],
  ["a size, which says that the content is another", "app/a", {}, "alphabet", "/app/a: size 5 bytes → 8 bytes"],
  ["a time", "app", { mtimeNs: 3_000_000_000n }, undefined, "/app: mtime 1970-01-01T00:00:01Z → 1970-01-01T00:00:03Z"],
  ["an owner", "app/b", { gid: 7 }, undefined, "/app/b: owner 0:0 → 0:7"],
  ["a mode", "app/b", { mode: 0o4755 }, undefined, "/app/b: mode 0644 → 4755"],
  ["a target", "app/d", { linkname: "b" }, undefined, "/app/d: link a → b"],
  ["a device", "app/e", { device: { major: 1, minor: 5 } }, undefined, "/app/e: device 1,3 → 1,5"],
  ["an extended attribute", "app/a", { xattrs: capability }, undefined, "/app/a: xattrs  → security.capability=01"],
  ["a type, and then nothing else", "app/d", { kind: "directory", mode: 0o755 }, undefined, "/app/d: type symlink → directory"],
];

for (const [what, path, change, content, says] of rows) {
  test(`tells ${what}, and tells it of no other path`, async () => {
    const [only, ...others] = await said(layerOf("a", TREE), await changed(path, change, content));
    assert.ok(only?.startsWith(says), only);
    assert.deepEqual(others, []);
  });
}

test("tells what is in one archive only, and that moves nothing", async () => {
  const without = TREE.filter((line) => !line.includes("app/b"));
  assert.deepEqual(await said(layerOf("a", TREE), layerOf("b", without)), ["/app/b: missing file"]);
  assert.deepEqual(await said(layerOf("a", without), layerOf("b", TREE)), ["/app/b: extra → file"]);
});

test("tells the content that a directory hides below from the directory itself", async () => {
  const without = TREE.filter((line) => !line.startsWith("o "));
  assert.deepEqual(await said(layerOf("a", TREE), layerOf("b", without)), ["/app: missing opaque"]);
});

test("one entry in another place is one that moved, not all that stand behind it", async () => {
  const lines = Array.from({ length: 9 }, (_unused, i) => `f 644 0:0 f${i} = x`);
  const last = [...lines.slice(1), lines[0] ?? ""];
  assert.deepEqual(await said(layerOf("a", lines), layerOf("b", last)), ["/f0: order entry 1 → entry 9"]);
  assert.equal((await said(layerOf("a", lines), layerOf("b", lines.toReversed()))).length, 8);
});

test("a path that an archive has twice is compared each time", async () => {
  const twice = ["f 644 0:0 a = one", "f 644 0:0 a = two"];
  const layer = (lines: readonly string[]): Layer => memoryLayer("twice", lines.map((_line, i): Entry => ({ path: "a", kind: "file", mode: 0o644 + i, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: 0 })), new Map());
  assert.deepEqual(await said(layer(twice), layer(twice)), []);
  assert.deepEqual(await said(layer(twice), layer(twice.slice(1))), ["/a: missing file"]);
});

test("finds a difference exactly where the bytes of the archives differ", async () => {
  const tarOf = async (layer: Layer): Promise<string> => {
    const members = async function* (): AsyncIterable<{ entry: Entry; content: AsyncIterable<Uint8Array> }> {
      for (const entry of await layer.entries(signal)) yield { entry, content: entry.kind === "file" ? layer.read(entry, signal) : bytesOf() };
    };
    return (await collectBytes(writeTar(members()), 1024 * 1024)).toString("base64");
  };
  const plain = layerOf("a", TREE);
  const others = [layerOf("b", TREE), layerOf("b", TREE, 2_000_000_000n), layerOf("b", TREE.toReversed()), ...(await Promise.all(rows.map(([, path, change, content]) => changed(path, change, content))))];
  for (const other of others) assert.equal((await said(plain, other)).length > 0, (await tarOf(plain)) !== (await tarOf(other)));
});
