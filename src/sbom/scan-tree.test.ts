import assert from "node:assert/strict";
import { test } from "node:test";
import { treeOfTexts } from "../testing/scan-trees.ts";
import { compareBytes } from "./scan-tree.ts";

const TREE = treeOfTexts({
  "usr/lib/x.so.1": "code", "usr/lib/x.so": "-> x.so.1", lib: "-> usr/lib", "usr/bin/tool": "-> ../lib/../../lib/x.so", "etc/abs": "-> /lib/x.so",
  "loop/a": "-> b", "loop/b": "-> a", out: "-> ../../../../usr/lib/x.so.1", dead: "-> nowhere", here: "-> .",
});

test("follows links within the tree: of folders, of files, relative, absolute, above the root", () => {
  for (const path of ["usr/lib/x.so.1", "/lib/x.so", "usr/bin/tool", "etc/abs", "out", "here/lib/x.so.1", "./usr//lib/../lib/x.so.1"]) {
    assert.equal(TREE.resolve(path)?.path, "usr/lib/x.so.1", path);
  }
});

test("nothing is where a link leads nowhere or to itself, and a folder is no file", () => {
  for (const path of ["dead", "loop/a", "usr/lib", "lib", "", "/", "usr/lib/x.so.1/y"]) assert.equal(TREE.resolve(path), undefined, path);
});

test("locates a file through linked folders, and takes a link for none", () => {
  assert.equal(TREE.locate("/lib/x.so.1")?.path, "usr/lib/x.so.1");
  for (const path of ["usr/lib/x.so", "etc/abs", "lib"]) assert.equal(TREE.locate(path), undefined, path);
});

test("has its files in the order of the bytes of their paths", () => {
  const paths = ["b", "a/b", "a-b", "\u{1F600}", "\uFFFD", "é"];
  assert.deepEqual([...treeOfTexts(Object.fromEntries(paths.map((path) => [path, ""]))).files.keys()], ["a-b", "a/b", "b", "é", "\uFFFD", "\u{1F600}"]);
  assert.deepEqual(paths.toSorted(compareBytes), paths.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
});
