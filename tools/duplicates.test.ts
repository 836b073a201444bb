import assert from "node:assert/strict";
import { test } from "node:test";
import { findDuplicates } from "./duplicates.ts";

const eleven = Array.from({ length: 11 }, (_, index) => `step(${index});`);
const twelve = [...eleven, "step(11);"];

test("twelve equal lines in two files are a copy, eleven are not", () => {
  assert.deepEqual(check({ "a.ts": ["a();", ...eleven, "b();"], "b.ts": ["c();", ...eleven, "d();"] }), []);
  assert.deepEqual(check({ "a.ts": ["a();", ...twelve, "b();"], "b.ts": ["c();", "", ...twelve, "d();"] }), ["b.ts:3: 12 lines are equal to a.ts:2; say it once"]);
});

test("indentation, blank lines and comments do not hide a copy", () => {
  const disguised = twelve.flatMap((line) => ["", `    ${line}`, "// Why not.", "/** Or so. */"]);
  assert.equal(check({ "a.ts": twelve, "b.ts": disguised }).length, 1);
});

test("a copy is told once, with its whole length", () => {
  const twenty = [...twelve, ...Array.from({ length: 8 }, (_, index) => `more(${index});`)];
  assert.deepEqual(check({ "a.ts": twenty, "b.ts": twenty }), ["b.ts:1: 20 lines are equal to a.ts:1; say it once"]);
});

test("a copy within one file counts, lines that repeat in a run do not overlap themselves", () => {
  assert.deepEqual(check({ "a.ts": [...twelve, "between();", ...twelve] }), ["a.ts:14: 12 lines are equal to a.ts:1; say it once"]);
  assert.deepEqual(check({ "a.ts": Array.from({ length: 20 }, () => "same();") }), []);
  assert.equal(check({ "a.ts": Array.from({ length: 24 }, () => "same();") }).length, 1);
});

test("imports are not copies", () => {
  const imports = Array.from({ length: 15 }, (_, index) => `import { a${index} } from "./a${index}.ts";`);
  assert.deepEqual(check({ "a.ts": imports, "b.ts": imports }), []);
});

function check(files: Readonly<Record<string, readonly string[]>>): readonly string[] {
  return findDuplicates(new Map(Object.entries(files).map(([file, lines]) => [file, lines.join("\n")])));
}
