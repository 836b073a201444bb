import assert from "node:assert/strict";
import { cpSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test, type TestContext } from "node:test";
import { gitSkip as skip, openTestWorkTree, testWorkTree, type TestWorkTree } from "../testing/work-tree.ts";
import { check, differences, equal } from "./commit-check.contract.ts";

let prepared: string | undefined;
const endings: Array<() => void> = [];

before(async () => {
  if (skip === false) prepared = await prepare();
});

after(() => {
  for (const end of endings) end();
});

/** `outer` with `lib` in it, and `deep` in that, both submodules; six files with those of git's settings. Making one takes two dozen runs of git. */
async function prepare(): Promise<string> {
  const ending = { after: (end: () => void) => void endings.push(end) };
  const [deep, lib, outer] = [await openTestWorkTree(ending), await openTestWorkTree(ending), await openTestWorkTree(ending)];
  deep.write("deep.txt", "deep");
  await deep.commit();
  lib.write("lib.c", "lib");
  await lib.git("submodule", "--quiet", "add", deep.root, "deep");
  await lib.commit();
  outer.write("Dockerfile", "FROM scratch\n");
  await outer.git("submodule", "--quiet", "add", lib.root, "vendor/lib");
  await outer.git("submodule", "--quiet", "update", "--init", "--recursive");
  await outer.commit();
  return outer.root;
}

/** A copy of that for one test. */
async function nested(t: TestContext): Promise<{ readonly outer: TestWorkTree; readonly lib: TestWorkTree; readonly deep: TestWorkTree }> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "stemma-git-")));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  assert.ok(prepared !== undefined);
  cpSync(prepared, root, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  const [outer, lib, deep] = ["", "vendor/lib", "vendor/lib/deep"].map((path) => testWorkTree(join(root, path))) as [TestWorkTree, TestWorkTree, TestWorkTree];
  // Git knows files by their numbers too, and those are others now.
  for (const each of [outer, lib, deep]) await each.git("update-index", "-q", "--refresh");
  return { outer, lib, deep };
}

test("files of submodules are compared with the commits that are recorded for them, however deep", { skip }, async (t) => {
  const { outer, lib, deep } = await nested(t);
  assert.deepEqual(await check(outer), equal(5));
  lib.write("lib.c", "LIB");
  deep.write("new", "x");
  rmSync(join(deep.root, "deep.txt"));
  assert.deepEqual(differences(await check(outer)), ["vendor/lib/deep/deep.txt: missing", "vendor/lib/deep/new: not in the commit", "vendor/lib/lib.c: other content"]);
  assert.deepEqual(await check(outer, { selection: { excludePatterns: ["**/.git", "vendor"] } }), equal(2));
  assert.deepEqual(differences(await check(outer, { context: "vendor/lib" })), ["vendor/lib/deep/deep.txt: missing", "vendor/lib/deep/new: not in the commit", "vendor/lib/lib.c: other content"]);
});

test("a submodule that is checked out at another commit differs from the recorded one", { skip }, async (t) => {
  const { outer, lib } = await nested(t);
  lib.write("lib.c", "newer");
  const newer = await lib.commit();
  assert.deepEqual(differences(await check(outer)), ["vendor/lib/lib.c: other content"]);
  await outer.commit();
  assert.deepEqual(await check(outer), equal(5), "until that is recorded");
  await lib.git("checkout", "--quiet", `${newer}^`);
  assert.deepEqual(differences(await check(outer)), ["vendor/lib/lib.c: other content"]);
});

test("another commit with the same files is the same to whoever uses the files", { skip }, async (t) => {
  const { outer, lib } = await nested(t);
  await lib.git("commit", "--quiet", "--allow-empty", "-m", "nothing");
  assert.deepEqual(await check(outer), equal(5));
});

test("a submodule that was not checked out is missing, where the build would have used its files", { skip }, async (t) => {
  const { outer } = await nested(t);
  await outer.git("submodule", "--quiet", "deinit", "-f", "vendor/lib");
  assert.deepEqual(differences(await check(outer)), ["vendor/lib: submodule not readable"]);
  assert.deepEqual(differences(await check(outer, { selection: { followPaths: ["vendor/lib/lib.c", "Dockerfile"] } })), ["vendor/lib: submodule not readable"]);
  assert.deepEqual(await check(outer, { selection: { followPaths: ["Dockerfile"] } }), equal(1));
});

test("files in the place of a submodule whose repository is gone are no commit's", { skip }, async (t) => {
  const { outer, deep } = await nested(t);
  rmSync(join(deep.root, ".git"));
  assert.deepEqual(differences(await check(outer)), ["vendor/lib/deep: submodule not readable", "vendor/lib/deep/deep.txt: not in the commit"]);
});

test("a commit that its submodule's repository does not have is not taken for another", { skip }, async (t) => {
  const { outer } = await nested(t);
  await outer.git("update-index", "--cacheinfo", `160000,${"1".repeat(40)},vendor/lib`);
  await outer.git("commit", "-q", "-m", "recorded, and never pushed");
  assert.deepEqual(differences(await check(outer)).filter((line) => !line.includes("deep")), ["vendor/lib: submodule not readable", "vendor/lib/.gitmodules: not in the commit", "vendor/lib/lib.c: not in the commit"]);
});

test("a submodule's settings cannot point to another work tree", { skip }, async (t) => {
  const { outer, lib } = await nested(t);
  const other = await openTestWorkTree(t);
  await lib.git("config", "core.worktree", other.root);
  assert.ok(differences(await check(outer)).includes("vendor/lib: submodule not readable"));
});

test("attributes of a submodule are its own", { skip }, async (t) => {
  const { outer, lib } = await nested(t);
  lib.write(".gitattributes", "*.c text\n");
  writeFileSync(join(lib.root, "lib.c"), "a\r\n");
  await lib.commit();
  await outer.commit();
  assert.deepEqual(await check(outer), equal(6, 1));
});
