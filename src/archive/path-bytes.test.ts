import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOfPath, compareNames, comparePaths, fileSystemPath, pathOfBytes } from "./path-bytes.ts";

test("every sequence of bytes survives, valid UTF-8 as the text that it is", () => {
  assert.equal(pathOfBytes(Buffer.from("a/ünï/😀")), "a/ünï/😀");
  for (const hex of ["ff", "61ff62", "c3", "c328", "f09f98", "f09f9880ff", "eda080", "80bf80", "efbfbd", "c3bcff"]) {
    assert.equal(bytesOfPath(pathOfBytes(Buffer.from(hex, "hex"))).toString("hex"), hex);
  }
  for (let first = 0; first < 256; first += 1) {
    for (const second of [0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff]) {
      const bytes = Buffer.of(first, second, 0x41);
      assert.deepEqual(bytesOfPath(pathOfBytes(bytes)), bytes);
    }
  }
});

test("node:fs is given text where text says it all, bytes where not", () => {
  assert.equal(fileSystemPath("a/ü😀"), "a/ü😀");
  assert.deepEqual(fileSystemPath("a\uDCFF"), Buffer.of(0x61, 0xff));
});

test("names are ordered as bytes, above U+FFFF too", () => {
  const names = ["", "A", "a", "a!", "aa", "ab", "\u00fc", "\ud7ff", "\ufffd", "\u{10000}", "\u{1f600}", "\uDCFF"];
  assert.deepEqual(names.toReversed().toSorted(compareNames), names);
});

test("paths are ordered as a sorted walk meets them", () => {
  const paths = ["a", "a/b", "a/b/c", "a/b-c", "a-b", "a.b", "b"];
  assert.deepEqual(paths.toReversed().toSorted(comparePaths), paths);
});
