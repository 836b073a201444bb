import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { layerOf } from "../testing/tree-text.ts";
import { manyFiles, turnsDuring } from "../testing/turns-during.ts";
import { contentDigest } from "./checksum.ts";
import type { ContentSelection } from "./tree-selection.ts";
import { contentDigests } from "./tree-contents.ts";
import { treeDigest } from "./tree-digest.ts";
import { Tree } from "./tree.ts";

const signal = new AbortController().signal;
const lines = [
  "d 755 0:0 app", "d 755 0:0 app/src", "f 644 0:0 app/src/a.ts = a", "f 644 0:0 app/src/b.ts = b", "f 755 0:0 app/run.sh = run", "l 777 0:0 app/link -> src/a.ts",
  "l 777 0:0 current -> app", "f 644 0:0 other = o",
];

async function digestOfTree(changes: readonly string[], selection: Partial<ContentSelection>): Promise<string> {
  const tree = await Tree.open([layerOf("base", lines), layerOf("changes", changes)], signal);
  return await contentDigest(tree, { path: "/app", followLinks: false, wildcard: false, includePatterns: [], excludePatterns: [], requiredPaths: [], ...selection }, signal);
}

async function changes(selection: Partial<ContentSelection>, change: string): Promise<boolean> {
  return (await digestOfTree([], selection)) !== (await digestOfTree([change], selection));
}

test("content, mode, owner and names below a path count; what lies elsewhere does not", async () => {
  assert.equal(await changes({}, "f 644 0:0 app/src/a.ts = changed"), true);
  assert.equal(await changes({}, "f 600 0:0 app/src/a.ts = a"), true);
  assert.equal(await changes({}, "f 644 1:0 app/src/a.ts = a"), true);
  assert.equal(await changes({}, "d 700 0:0 app"), true);
  assert.equal(await changes({}, "w 0 0:0 app/link"), true);
  assert.equal(await changes({}, "f 644 0:0 other = changed"), false);
  assert.equal(await changes({ path: "/" }, "d 700 0:0 "), false, "the root's own mode");
});

test("the name of the selection does not count, so an equal file elsewhere is the same content", async () => {
  assert.equal(await digestOfTree(["f 644 0:0 copy = a"], { path: "/copy" }), await digestOfTree([], { path: "/app/src/a.ts" }));
  assert.equal(await digestOfTree([], { path: "/app/src/a.ts", excludePatterns: ["x"] }), await digestOfTree([], { path: "/app/src/a.ts" }));
});

test("links on the way are followed, and one at the end where asked for", async () => {
  assert.equal(await digestOfTree([], { path: "/current/src" }), await digestOfTree([], { path: "/app/src" }));
  assert.equal(await digestOfTree([], { path: "/current", followLinks: true }), await digestOfTree([], {}));
  assert.notEqual(await digestOfTree([], { path: "/current" }), await digestOfTree([], {}));
});

test("what is not there is told in BuildKit's words", async () => {
  await assert.rejects(digestOfTree([], { path: "/nope/" }), { code: "not-found", message: '"/nope": not found' });
  await assert.rejects(digestOfTree([], { path: "/other/below" }), { message: '"/other/below": not found' });
  await assert.rejects(digestOfTree([], { path: "/", includePatterns: ["app"], requiredPaths: ["/gone"] }), { message: '"/gone": not found' });
});

test("patterns choose what counts, and the directories on the way", async () => {
  const selection = { includePatterns: ["src/*.ts"], excludePatterns: ["**/b.ts"] };
  assert.equal(await changes(selection, "f 644 0:0 app/src/a.ts = changed"), true);
  assert.equal(await changes(selection, "d 700 0:0 app/src"), true);
  assert.equal(await changes(selection, "f 644 0:0 app/src/b.ts = changed"), false);
  assert.equal(await changes(selection, "f 644 0:0 app/run.sh = changed"), false);
});

test("wildcards choose what counts, with all below what they match", async () => {
  const selection = { path: "/a*/s*", wildcard: true };
  assert.equal(await changes(selection, "f 644 0:0 app/src/deep/er = new"), true);
  assert.equal(await changes(selection, "f 644 0:0 app/run.sh = changed"), false);
  assert.equal(await changes({ path: "/current/*.sh", wildcard: true }, "f 755 0:0 app/run.sh = changed"), true);
  assert.equal(await changes({ path: "/curr*", wildcard: true, followLinks: true }, "f 755 0:0 app/run.sh = changed"), true);
  assert.equal(await changes({ path: "/curr*", wildcard: true }, "f 755 0:0 app/run.sh = changed"), false);
  assert.equal(await changes({ path: "/none*", wildcard: true }, "f 755 0:0 app/run.sh = changed"), false);
});

test("the Merkle root is over paths, modes and content, and not over times or layers", async () => {
  const root = async (...all: ReadonlyArray<readonly string[]>): Promise<string> => {
    const tree = await Tree.open(all.map((each, i) => layerOf(String(i), each)), signal);
    const contents = await contentDigests(tree.walk(""), signal);
    return await treeDigest(tree, ({ stored }) => contents.get(stored) ?? assert.fail(stored.path), signal);
  };
  const flat = await root(["f 644 0:0 a = x", "d 755 0:0 d", "f 644 0:0 d/b = y"]);
  assert.equal(await root(["f 644 0:0 a = old", "d 755 0:0 d"], ["f 644 0:0 d/b = y"], ["f 644 0:0 a = x"]), flat);
  assert.notEqual(await root(["f 644 0:0 a = x", "d 755 0:0 d", "f 755 0:0 d/b = y"]), flat);
  assert.notEqual(await root(["f 644 0:0 a = x", "d 755 0:0 e", "f 644 0:0 e/b = y"]), flat);
  assert.equal(await root(["f 644 0:0 a = x"]), `sha256:${sha256(`file 644\ta\0sha256:${sha256("x")}\n`)}`);
});

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

test("naming the content of many files lets others have their turn, with patterns and without", async () => {
  const tree = await Tree.open([layerOf("many", manyFiles(20_000))], signal);
  const selection = { path: "/many", followLinks: false, wildcard: false, includePatterns: [], excludePatterns: [], requiredPaths: [] };
  for (const excludePatterns of [[], ["none"]]) {
    const turns = await turnsDuring(() => contentDigest(tree, { ...selection, excludePatterns }, signal));
    assert.ok(turns > 2, `${turns} turns`);
  }
});
