import assert from "node:assert/strict";
import { chmodSync, linkSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openStateDatabase } from "../store/state-database.ts";
import { gitSkip as skip, openTestWorkTree, type TestWorkTree } from "../testing/work-tree.ts";
import { check, differences, equal } from "./commit-check.contract.ts";

/** What was used whole is proved by the id of its tree: that object itself is not needed. */
async function loseTrees(repo: TestWorkTree, ...keptPaths: readonly string[]): Promise<void> {
  const kept = new Set((await repo.git("rev-parse", "HEAD", ...keptPaths.map((path) => `HEAD:${path}`))).split("\n"));
  const objects = await repo.git("rev-list", "--objects", "--no-object-names", "HEAD");
  for (const id of objects.split("\n")) {
    if (!kept.has(id)) rmSync(join(repo.root, ".git/objects", id.slice(0, 2), id.slice(2)));
  }
}

for (const format of ["sha1", "sha256"] as const) {
  test(`files that are a commit's are known by the id of its tree, whatever their names, in a repository of ${format}`, { skip }, async (t) => {
    const repo = await openTestWorkTree(t, format);
    // In git's order a directory's name counts as if a slash followed, and names are bytes.
    for (const path of ["a/x", "a-b", "a.c", "a0", "ab/a/a", "ab.d/y", "B", "é", "z/～", "z/😀", "z/￿", " lead", "line\nfeed"]) repo.write(path, path);
    writeFileSync(Buffer.concat([Buffer.from(`${repo.root}/z/`), Buffer.from([0xff, 0x62])]), "no UTF-8");
    writeFileSync(Buffer.concat([Buffer.from(`${repo.root}/z/`), Buffer.from([0xc3])]), "half of a character");
    repo.write("run", "#!/bin/sh\n");
    chmodSync(join(repo.root, "run"), 0o755);
    repo.write("empty", "");
    symlinkSync("a/x", join(repo.root, "link"));
    symlinkSync(Buffer.from([0xff]), join(repo.root, "a/odd"));
    linkSync(join(repo.root, "run"), join(repo.root, "second"));
    await repo.commit();
    mkdirSync(join(repo.root, "nothing/in/here"), { recursive: true });
    await loseTrees(repo);
    assert.deepEqual(await check(repo), equal(20));
    repo.write("a/x", "y");
    assert.equal((await check(repo)).kind, "unchecked", "what differs must be looked up");
  });
}

test("of the commit no tree is read but those on the way to what differs", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  for (const path of ["top", "same/a", "same/deep/b", "other/a", "other/deep/b", "other/side/c"]) repo.write(path, path);
  await repo.commit();
  await loseTrees(repo, "", "other");
  assert.deepEqual(await check(repo), equal(6));
  repo.write("other/a", "changed");
  repo.write("other/new/file", "x");
  assert.deepEqual(differences(await check(repo)), ["other/a: other content", "other/new/file: not in the commit"]);
  rmSync(join(repo.root, "other/a"));
  assert.deepEqual(differences(await check(repo)), ["other/a: missing", "other/new/file: not in the commit"]);
  chmodSync(join(repo.root, "other/deep/b"), 0o755);
  assert.equal((await check(repo)).kind, "unchecked", "a right to execute is in the id, too");
});

test("a directory that a selection has changed is compared name by name, and those beside it are not", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  for (const path of ["doc/a.md", "doc/b.txt", "src/a.c", "src/deep/b.c"]) repo.write(path, path);
  await repo.commit();
  await loseTrees(repo, "", "doc");
  using database = openStateDatabase(":memory:");
  assert.deepEqual(await check(repo, { database }), equal(4));
  const withoutText = { excludePatterns: ["**/.git", "**/*.md"] };
  assert.deepEqual(await check(repo, { database, selection: withoutText }), equal(3));
  rmSync(join(repo.root, "doc/b.txt"));
  assert.deepEqual(differences(await check(repo, { database, selection: withoutText })), ["doc/b.txt: missing"]);
  rmSync(join(repo.root, "doc/a.md"));
  assert.deepEqual(differences(await check(repo, { database, selection: withoutText })), ["doc/b.txt: missing"], "what is left out is not missing");
  assert.deepEqual(differences(await check(repo, { database })), ["doc/a.md: missing", "doc/b.txt: missing"]);
});

test("what git converts is asked anew when the attributes are others, though files and commit are the same", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  repo.write(".gitattributes", "*.txt text\n");
  repo.write("sub/a.txt", "a\r\n");
  repo.write("sub/b", "b\n");
  await repo.commit();
  using database = openStateDatabase(":memory:");
  assert.deepEqual(await check(repo, { database }), equal(3, 1));
  mkdirSync(join(repo.root, ".git/info"), { recursive: true });
  writeFileSync(join(repo.root, ".git/info/attributes"), "*.txt -text\n");
  assert.deepEqual(differences(await check(repo, { database })), ["sub/a.txt: other content"]);
  rmSync(join(repo.root, ".git/info/attributes"));
  assert.deepEqual(await check(repo, { database }), equal(3, 1));
});

test("permissions that only old commits have are compared by the right to execute", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  repo.write("sub/old", "old");
  await repo.git("add", "-A");
  const blob = await repo.git("rev-parse", ":sub/old");
  const tree = async (...lines: readonly Buffer[]): Promise<string> => await repo.gitWith(Buffer.concat(lines), "hash-object", "-t", "tree", "--literally", "-w", "--stdin");
  const below = await tree(Buffer.from("100664 old\0"), Buffer.from(blob, "hex"));
  const top = await tree(Buffer.from("040000 sub\0"), Buffer.from(below, "hex"));
  await repo.git("update-ref", "HEAD", await repo.git("commit-tree", "-m", "old", top));
  assert.deepEqual(await check(repo), equal(1));
  chmodSync(join(repo.root, "sub/old"), 0o755);
  assert.deepEqual(differences(await check(repo)), ["sub/old: other mode"]);
});

test("a pipe beside a commit's files is not the commit's", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  repo.write("sub/a", "a");
  repo.write("sub/b", "b");
  await repo.commit();
  await repo.git("-c", "alias.pipe=!mkfifo", "pipe", join(repo.root, "sub/pipe"));
  assert.ok(readdirSync(join(repo.root, "sub")).includes("pipe"));
  assert.deepEqual(differences(await check(repo)), ["sub/pipe: not in the commit"]);
});

test("files that did not change are compared with another commit by what their directories were found to be, and only those in its way are asked for", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  for (const path of ["top", "left-out", "same/a", "same/deep/b", "other/a", "other/deep/b"]) repo.write(path, path);
  await repo.commit();
  using state = openStateDatabase(":memory:");
  let asked = 0;
  const database: typeof state = {
    ...state,
    fileDigests(validators) {
      asked += validators.length;
      return state.fileDigests(validators);
    },
  };
  const reads: string[] = [];
  const selection = { excludePatterns: ["**/.git", "left-out"] };
  const checkAgain = async (): Promise<Awaited<ReturnType<typeof check>>> => {
    asked = 0;
    return await check(repo, { database, reads, selection });
  };
  assert.deepEqual([await checkAgain(), asked, reads.length], [equal(5), 5, 5]);
  await repo.git("commit", "--quiet", "--allow-empty", "--message=empty");
  assert.deepEqual([await checkAgain(), asked], [equal(5), 1], "the one beside the file that is left out");
  // The commit changes and the files do not.
  repo.write("other/a", "changed");
  await repo.commit();
  repo.write("other/a", "other/a");
  assert.deepEqual(differences(await checkAgain()), ["other/a: other content"]);
  assert.deepEqual([...new Set(reads)].toSorted(), ["other/a", "other/deep/b", "same/a", "same/deep/b", "top"]);
  assert.equal(reads.filter((path) => path !== "other/a").length, 4, "each was read once");
});
