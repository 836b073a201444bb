import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempDisposableSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeDirectories } from "./make-directories.ts";

const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-directories-"));
after(() => scratch.remove());

test("all that is missing is made, with the mode, and the uppermost is told", async () => {
  const path = join(scratch.path, "a/b/c");
  assert.equal(await makeDirectories(path, 0o700), join(scratch.path, "a"));
  assert.deepEqual(["a", "a/b", "a/b/c"].map((each) => statSync(join(scratch.path, each)).mode & 0o777), [0o700, 0o700, 0o700]);
  assert.equal(await makeDirectories(path), undefined);
  assert.equal(await makeDirectories(join(path, "d")), join(path, "d"));
  assert.equal(await makeDirectories("/"), undefined);
});

test("many may make the same at once, and links on the way are followed", async () => {
  mkdirSync(join(scratch.path, "far"));
  symlinkSync("far", join(scratch.path, "link"));
  await Promise.all(Array.from({ length: 8 }, () => makeDirectories(join(scratch.path, "link/x/y"))));
  assert.ok(existsSync(join(scratch.path, "far/x/y")));
});

test("a file in the way is told, at the end and before it", async () => {
  writeFileSync(join(scratch.path, "file"), "");
  await assert.rejects(makeDirectories(join(scratch.path, "file")), { code: "EEXIST" });
  await assert.rejects(makeDirectories(join(scratch.path, "file/below")), { code: "ENOTDIR" });
  symlinkSync("nowhere", join(scratch.path, "dangling"));
  await assert.rejects(makeDirectories(join(scratch.path, "dangling/below")), { code: "ENOENT" });
});

test("where no directory can be made it ends", async () => {
  await assert.rejects(makeDirectories("/proc/no/such/way"), { code: "ENOENT" });
});
