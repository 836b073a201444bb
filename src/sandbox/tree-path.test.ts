import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { missingMountPoints, removeMountStubs } from "./mount-stubs.ts";
import { existsInTree, resolveInTree } from "./tree-path.ts";

const root = mkdtempSync(join(tmpdir(), "stemma-path-"));
mkdirSync(join(root, "a/b"), { recursive: true });
writeFileSync(join(root, "file"), "x");
symlinkSync("/a", join(root, "absolute"));
symlinkSync("../../../../etc", join(root, "a/up"));
symlinkSync("b/../../absolute/b", join(root, "a/winding"));
symlinkSync("circle", join(root, "circle"));
after(() => rmSync(root, { recursive: true }));

test("links are followed inside the root and never out of it", () => {
  const cases = { "/a/b": "a/b", "a//./b/": "a/b", "/absolute/b": "a/b", "/a/up/passwd": "etc/passwd", "/../../a": "a", "/a/winding/c": "a/b/c", "/file/below": "file/below" };
  for (const [path, expected] of Object.entries(cases)) assert.equal(resolveInTree(root, path), join(root, expected));
  assert.equal(resolveInTree(root, "/"), root);
});

test("links in a circle are an error", () => {
  assert.throws(() => resolveInTree(root, "/circle/x"), { code: "path", message: "too many levels of symbolic links in /circle/x" });
});

test("missing mount points are listed from the deepest up, shared parents last", () => {
  const missing = missingMountPoints(root, ["/new/deep/one", "/new/two", "/a/b", "/absolute/c"]);
  assert.deepEqual(missing, ["new/deep/one", "new/deep", "new/two", "new", "a/c"].map((path) => join(root, path)));
});

test("what is to be mounted below a file is refused, with the name of the file", () => {
  for (const way of ["/file/below", "/file/far/below", "/absolute/../file/below"]) {
    assert.throws(() => missingMountPoints(root, [way]), { code: "path", message: `there can be no ${way}: /file is not a directory` });
  }
});

test("stubs go when they are empty, and stay when they were put to use", () => {
  const paths = missingMountPoints(root, ["/stub/dir", "/stub/file", "/used/dir", "/used/file"]);
  for (const path of ["stub/dir", "used/dir"]) mkdirSync(join(root, path), { recursive: true });
  writeFileSync(join(root, "stub/file"), "");
  writeFileSync(join(root, "used/file"), "content");
  assert.deepEqual(removeMountStubs(paths), []);
  assert.deepEqual(["stub", "used/dir", "used/file"].map((path) => existsInTree(join(root, path))), [false, false, true]);
});
