import assert from "node:assert/strict";
import { chmodSync, linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { runProcess } from "../host/process.ts";
import { openDirectory } from "../session/directory.ts";
import type { Session } from "../session/session.ts";
import { openStateDatabase } from "../store/state-database.ts";
import { gitSkip as skip, openTestWorkTree, testWorkTree, type TestWorkTree } from "../testing/work-tree.ts";
import { checkCommit } from "./check-commit.ts";
import { check, differences, equal, EVERYTHING, later, sessionOf, signal } from "./commit-check.contract.ts";
import { localSources } from "./locals.ts";

async function repository(t: TestContext, format: "sha1" | "sha256" = "sha1"): Promise<TestWorkTree> {
  const repo = await openTestWorkTree(t, format);
  repo.write("Dockerfile", "FROM scratch\n");
  repo.write("run.sh", "#!/bin/sh\n");
  chmodSync(join(repo.root, "run.sh"), 0o755);
  symlinkSync("run.sh", join(repo.root, "link"));
  repo.write("sub/ü b.txt", "text");
  await repo.commit();
  return repo;
}

for (const format of ["sha1", "sha256"] as const) {
  test(`files that equal the commit verify it, in a repository of ${format}`, { skip }, async (t) => {
    const repo = await repository(t, format);
    assert.deepEqual(await check(repo), equal(4));
    repo.write("sub/ü b.txt", "TEXT");
    assert.deepEqual(differences(await check(repo)), ["sub/ü b.txt: other content"]);
  });
}

test("each kind of difference is named, in the order of the paths", { skip }, async (t) => {
  const repo = await repository(t);
  repo.write("Dockerfile", "FROM other\n");
  chmodSync(join(repo.root, "run.sh"), 0o644);
  rmSync(join(repo.root, "link"));
  symlinkSync("Dockerfile", join(repo.root, "link"));
  repo.write("untracked", "x");
  rmSync(join(repo.root, "sub/ü b.txt"));
  assert.deepEqual(differences(await check(repo)), ["Dockerfile: other content", "link: other content", "run.sh: other mode", "sub/ü b.txt: missing", "untracked: not in the commit"]);
});

test("a link that became a file, a file that became a link or a directory, and the other way round, are differences", { skip }, async (t) => {
  const repo = await repository(t);
  repo.write("file", "x");
  repo.write("gone/inner", "x");
  await repo.commit();
  for (const path of ["link", "file", "run.sh", "gone"]) rmSync(join(repo.root, path), { recursive: true });
  repo.write("link", "run.sh");
  symlinkSync("x", join(repo.root, "file"));
  repo.write("run.sh/inner", "x");
  repo.write("gone", "x");
  assert.deepEqual(differences(await check(repo)), [
    "file: other mode", "gone: other mode", "gone/inner: missing", "link: other mode", "run.sh: missing", "run.sh/inner: not in the commit",
  ]);
});

test("the second name of a file is a file to git", { skip }, async (t) => {
  const repo = await repository(t);
  linkSync(join(repo.root, "run.sh"), join(repo.root, "sub/again.sh"));
  await repo.commit();
  assert.deepEqual(await check(repo), equal(5));
  assert.deepEqual(await check(repo, { context: "sub" }), equal(2));
});

test("what is neither file nor link can be in no commit", { skip }, async (t) => {
  const repo = await repository(t);
  assert.equal((await runProcess({ argv: ["mkfifo", join(repo.root, "pipe")], env: repo.env }, signal)).exitCode, 0);
  assert.deepEqual(differences(await check(repo)), ["pipe: not in the commit"]);
});

test("ignored and untracked files count when the build takes them, and not when it does not", { skip }, async (t) => {
  const repo = await repository(t);
  repo.write(".gitignore", "*.log\n");
  await repo.commit();
  repo.write("a.log", "noise");
  repo.write("sub/new", "x");
  assert.deepEqual(differences(await check(repo)), ["a.log: not in the commit", "sub/new: not in the commit"]);
  assert.deepEqual(await check(repo, { selection: { excludePatterns: ["**/.git", "*.log", "sub/new"] } }), equal(5));
  assert.deepEqual(await check(repo, { selection: { followPaths: ["run.sh"] } }), equal(1));
});

test("git's own directory is no part of the commit, so a context that takes it in differs", { skip }, async (t) => {
  const found = differences(await check(await repository(t), { selection: { excludePatterns: [] } }));
  assert.ok(found.includes(".git/HEAD: not in the commit"));
  assert.ok(found.every((line) => line.startsWith(".git/")));
});

test("what is changed outside the context, or left out of it, does not count", { skip }, async (t) => {
  const repo = await repository(t);
  repo.write("sub/more", "x");
  await repo.commit();
  repo.write("Dockerfile", "FROM other\n");
  rmSync(join(repo.root, "run.sh"));
  assert.deepEqual(await check(repo, { context: "sub" }), equal(2));
  rmSync(join(repo.root, "sub/more"));
  assert.deepEqual(await check(repo, { context: "sub", selection: { excludePatterns: ["more"] } }), equal(1));
  assert.deepEqual(await check(repo, { context: "sub", selection: { followPaths: ["ü*"] } }), equal(1));
});

test("a file that was deleted counts where the selection would have taken it from the commit", { skip }, async (t) => {
  const repo = await repository(t);
  for (const path of ["src/a.c", "src/b.md", "src/deep/c.c", "doc/d.md"]) repo.write(path, path);
  await repo.commit();
  for (const path of ["src/a.c", "src/b.md", "src/deep", "doc"]) rmSync(join(repo.root, path), { recursive: true });
  assert.deepEqual(differences(await check(repo)), ["doc/d.md: missing", "src/a.c: missing", "src/b.md: missing", "src/deep/c.c: missing"]);
  assert.deepEqual(differences(await check(repo, { selection: { followPaths: ["src", "run.sh"] } })), ["src/a.c: missing", "src/b.md: missing", "src/deep/c.c: missing"]);
  assert.deepEqual(differences(await check(repo, { selection: { followPaths: ["src/*.c", "run.sh"] } })), ["src/a.c: missing"]);
  assert.deepEqual(differences(await check(repo, { selection: { excludePatterns: ["**/.git", "src", "!src/deep", "**/*.md"] } })), ["src/deep/c.c: missing"]);
  assert.deepEqual(differences(await check(repo, { selection: { includePatterns: ["do*", "run.sh"] } })), ["doc/d.md: missing"]);
  assert.deepEqual(await check(repo, { selection: { followPaths: ["run.sh", "Dockerfile"] } }), equal(2));
});

test("a deleted link leads where the commit's link leads", { skip }, async (t) => {
  const repo = await repository(t);
  repo.write("real/deep/a.txt", "a");
  repo.write("real/deep/b.md", "b");
  symlinkSync("real", join(repo.root, "way"));
  symlinkSync("/way/deep", join(repo.root, "far"));
  await repo.commit();
  const selection = { followPaths: ["far/*.txt", "run.sh"] };
  assert.deepEqual(await check(repo, { selection }), equal(4), "two links and a file behind them");
  for (const path of ["far", "way", "real"]) rmSync(join(repo.root, path), { recursive: true });
  assert.deepEqual(differences(await check(repo, { selection })), ["far: missing", "real/deep/a.txt: missing", "way: missing"]);
});

test("a sparse checkout verifies what is there, and misses what the build would have taken", { skip }, async (t) => {
  const repo = await repository(t);
  repo.write("other/file", "x");
  await repo.commit();
  await repo.git("sparse-checkout", "set", "sub");
  assert.deepEqual(await check(repo, { context: "sub" }), equal(1));
  assert.deepEqual(differences(await check(repo)), ["other/file: missing"]);
});

test("a linked work tree is compared with its own commit", { skip }, async (t) => {
  const repo = await repository(t);
  const place = mkdtempSync(join(tmpdir(), "stemma-linked-"));
  t.after(() => rmSync(place, { recursive: true, force: true }));
  const linked = testWorkTree(join(place, "tree"));
  await repo.git("worktree", "add", "-q", "-b", "side", linked.root);
  repo.write("Dockerfile", "FROM main\n");
  await repo.commit();
  assert.deepEqual(await check(linked), equal(4));
  linked.write("Dockerfile", "FROM side\n");
  assert.deepEqual(differences(await check(linked)), ["Dockerfile: other content"]);
});

test("names that are no UTF-8 are compared byte by byte", { skip }, async (t) => {
  const repo = await repository(t);
  const name = Buffer.concat([Buffer.from(join(repo.root, "sub/")), Buffer.from([0xff, 0x62])]);
  writeFileSync(name, "x");
  await repo.commit();
  assert.deepEqual(await check(repo), equal(5));
  writeFileSync(name, "y");
  assert.deepEqual(differences(await check(repo)), ["sub/\udcffb: other content"]);
});

test("a link's target that is no UTF-8 is the commit's", { skip }, async (t) => {
  const repo = await repository(t);
  symlinkSync(Buffer.from([0xff, 0xfe]), join(repo.root, "odd"));
  await repo.commit();
  assert.deepEqual(await check(repo), equal(5));
});

test("files of several directories are told once each, and those of no place in the work tree by their directory", { skip }, async (t) => {
  const repo = await repository(t);
  using database = openStateDatabase(":memory:");
  const elsewhere = mkdtempSync(join(tmpdir(), "stemma-elsewhere-"));
  t.after(() => rmSync(elsewhere, { recursive: true, force: true }));
  writeFileSync(join(elsewhere, "tool"), "x");
  const paths = new Map([["context", repo.root], ["dockerfile", repo.root], ["context:tools", elsewhere]]);
  const commit = await repo.git("rev-parse", "HEAD");
  const session: Session = { ...sessionOf(openDirectory(repo.root)), directory: (name) => openDirectory(paths.get(name) ?? repo.root) };
  const locals = localSources({ session, database, blobFormat: "sha1", findsSecrets: false });
  await locals.read("dockerfile", { ...EVERYTHING, followPaths: ["Dockerfile"] }, signal);
  await locals.read("context", EVERYTHING, signal);
  const request = { root: repo.root, commit, directories: paths, database, env: repo.env };
  assert.deepEqual(await checkCommit({ ...request, locals: locals.done }, signal), equal(4));
  await locals.read("context:tools", EVERYTHING, signal);
  const found = await checkCommit({ ...request, locals: locals.done }, signal);
  assert.deepEqual(differences(found), ["context:tools:tool: not in the repository"]);
});

test("a second check reads no file, and the first reads each once", { skip }, async (t) => {
  const repo = await repository(t);
  repo.write("crlf.txt", "a\r\nb\r\n");
  repo.write(".gitattributes", "*.txt text\n");
  await repo.commit();
  using database = openStateDatabase(":memory:");
  const reads: string[] = [];
  assert.deepEqual(await check(repo, { database, reads }), equal(6, 1));
  assert.deepEqual(reads.toSorted(), [".gitattributes", "Dockerfile", "crlf.txt", "crlf.txt", "run.sh", "sub/ü b.txt"], "the one that git converts is read to be converted");
  reads.length = 0;
  assert.deepEqual(await check(repo, { database, reads }), equal(6, 1));
  assert.deepEqual(reads, []);
  repo.write("Dockerfile", "FROM other\n");
  assert.equal((await check(repo, { database, reads })).kind, "different");
  assert.deepEqual(reads, ["Dockerfile"]);
});

test("what equals a commit needs no second look, in content alone", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  using database = openStateDatabase(":memory:");
  repo.write("a", "one");
  repo.write("b/c", "two");
  await repo.commit();
  assert.deepEqual(await check(repo, { database }), equal(2));
  const objects = join(repo.root, ".git/objects");
  renameSync(objects, `${objects}-away`);
  mkdirSync(objects);
  assert.deepEqual(await check(repo, { database }), equal(2), "git is asked nothing");
  assert.equal((await check(repo, { database, selection: { includePatterns: ["b"] } })).kind, "unchecked", "another selection is another question");
  rmSync(objects, { recursive: true });
  renameSync(`${objects}-away`, objects);
  chmodSync(join(repo.root, "a"), 0o755);
  assert.deepEqual(differences(await check(repo, { database })), ["a: other mode"]);
  chmodSync(join(repo.root, "a"), 0o644);
  repo.write("a", "six");
  assert.deepEqual(differences(await check(repo, { database })), ["a: other content"]);
  await repo.commit();
  assert.deepEqual(await check(repo, { database }), equal(2));
  repo.write("a", "one");
  assert.deepEqual(differences(await check(repo, { database })), ["a: other content"], "what equals an earlier commit is not this one");
});

test("what was remembered without a commit in view is read once more", { skip }, async (t) => {
  const repo = await repository(t);
  using database = openStateDatabase(":memory:");
  const locals = localSources({ session: sessionOf(openDirectory(repo.root, { clock: later })), database, blobFormat: undefined, findsSecrets: false });
  await locals.read("context", EVERYTHING, signal);
  assert.deepEqual(await check(repo, { database }), equal(4));
});

test("an aborted check says why", { skip }, async (t) => {
  await assert.rejects(check(await repository(t), { signal: AbortSignal.abort(new Error("stopped")) }), /stopped/);
});

test("a commit that is not there is not checked", { skip }, async (t) => {
  const repo = await repository(t);
  using database = openStateDatabase(":memory:");
  const locals = localSources({ session: sessionOf(openDirectory(repo.root)), database, blobFormat: "sha1", findsSecrets: false });
  await locals.read("context", EVERYTHING, signal);
  const found = await checkCommit({ root: repo.root, commit: "1".repeat(40), locals: locals.done, directories: new Map([["context", repo.root]]), database, env: repo.env }, signal);
  assert.deepEqual(found, { kind: "unchecked", cause: "object-missing", problem: `commit ${"1".repeat(40)} is not in the repository` });
});

test("where nothing was used nothing is verified", { skip }, async (t) => {
  const found = await check(await repository(t), { selection: { followPaths: ["nothing"] } });
  assert.equal(found.kind === "unchecked" && found.cause, "nothing-used");
});

test("times and names tell nothing: a file of the same size and time is compared by its bytes", { skip }, async (t) => {
  const repo = await repository(t);
  utimesSync(join(repo.root, "Dockerfile"), 1000, 1000);
  await repo.git("status");
  repo.write("Dockerfile", "FROM SCRATCH\n");
  utimesSync(join(repo.root, "Dockerfile"), 1000, 1000);
  assert.deepEqual(differences(await check(repo)), ["Dockerfile: other content"]);
  mkdirSync(join(repo.root, "moved"));
  renameSync(join(repo.root, "Dockerfile"), join(repo.root, "moved/Dockerfile"));
  assert.deepEqual(differences(await check(repo)), ["Dockerfile: missing", "moved/Dockerfile: not in the commit"]);
});
