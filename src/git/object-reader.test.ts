import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { gitSkip as skip, openTestWorkTree, type TestWorkTree } from "../testing/work-tree.ts";
import { findGit } from "./git-command.ts";
import { objectId } from "./object-id.ts";
import { GitObjectError, openObjectReader, type ObjectReader } from "./object-reader.ts";

const { signal } = new AbortController();

function reader(repo: TestWorkTree, stop: AbortSignal = signal): ObjectReader {
  const git = findGit(repo.root, repo.env);
  assert.ok(git !== undefined);
  return openObjectReader(git, stop);
}

function code(expected: GitObjectError["code"]): (error: unknown) => boolean {
  return (error) => error instanceof GitObjectError && error.code === expected;
}

for (const format of ["sha1", "sha256"] as const) {
  test(`objects come whole and in any number, in a repository of ${format}`, { skip }, async (t) => {
    const repo = await openTestWorkTree(t, format);
    const contents = Array.from({ length: 200 }, (_, i) => Buffer.alloc(i * 997, `content ${i}\n`));
    for (const [i, content] of contents.entries()) repo.write(`f${i}`, content);
    await repo.commit();
    await using objects = reader(repo);
    const read = await Promise.all(contents.map((content) => objects.read(objectId(format, "blob", content), "blob")));
    assert.ok(read.every((content, i) => content.equals(contents[i] ?? Buffer.alloc(0))));
  });
}

test("what is missing, of another type or too large is told for itself, and the others come", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  const [big, small] = [Buffer.alloc(300_000, "x"), Buffer.from("small")];
  repo.write("big", big);
  repo.write("small", small);
  const commit = await repo.commit();
  await using objects = reader(repo);
  const id = objectId("sha1", "blob", small);
  const results = await Promise.allSettled([
    objects.read("0".repeat(40), "blob"), objects.read(commit, "tree"), objects.read(objectId("sha1", "blob", big), "blob", 1024),
    objects.read("no name of an object", "blob"), objects.read(id, "blob"), objects.read(objectId("sha1", "blob", big), "blob", 300_000),
  ]);
  const codes = results.map((result) => (result.status === "fulfilled" ? result.value.length : (result.reason as GitObjectError).code));
  assert.deepEqual(codes, ["missing", "damaged", "too-large", "missing", 5, 300_000]);
});

test("content that its id does not name is not believed, whoever put it there", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  repo.write("f", "true");
  await repo.commit();
  const id = objectId("sha1", "blob", Buffer.from("other"));
  mkdirSync(join(repo.root, ".git/objects", id.slice(0, 2)), { recursive: true });
  writeFileSync(join(repo.root, ".git/objects", id.slice(0, 2), id.slice(2)), deflateSync("blob 4\0fake"));
  assert.equal(await repo.git("cat-file", "blob", id), "fake", "git believes it");
  await using objects = reader(repo);
  await assert.rejects(objects.read(id, "blob"), code("damaged"));
});

test("a git that ends, or cannot begin, is told with its own words, and later questions too", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  writeFileSync(join(repo.root, ".git/config"), "[broken\n");
  await using objects = reader(repo);
  await assert.rejects(objects.read("0".repeat(40), "blob"), /git cat-file ended: fatal: bad config/);
  await assert.rejects(objects.read("0".repeat(40), "blob"), code("unreadable"));
  await using nowhere = reader({ ...repo, root: join(repo.root, "nowhere") });
  await assert.rejects(nowhere.read("0".repeat(40), "blob"), code("unreadable"));
});

test("whoever waits when it is aborted is told why", { skip }, async (t) => {
  const repo = await openTestWorkTree(t);
  const controller = new AbortController();
  await using objects = reader(repo, controller.signal);
  const waiting = objects.read("0".repeat(40), "blob");
  controller.abort(new Error("stopped"));
  await assert.rejects(waiting, /stopped/);
});
