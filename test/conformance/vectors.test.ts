import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { conformanceFolder } from "../../src/testing/conformance.ts";
import { SKIPS } from "./skips.ts";
import { CHECKS } from "./vectors/checks.ts";
import { judgeTable } from "./vectors/judge.ts";
import { readVectorFile } from "./vectors/vector-file.ts";

const { skip, path } = conformanceFolder("vectors");

for (const file of existsSync(path) ? readdirSync(path) : ["the vectors"]) {
  test(`${file}: functions give what BuildKit's and Go's give`, { skip }, () => {
    for (const table of readVectorFile(join(path, file))) assert.deepEqual(judgeTable(table, CHECKS, SKIPS).failures, [], table.placedName);
  });
}

const KNOWN = { "x.json#cases": (row: { readonly bad: boolean }): void => assert.ok(!row.bad) };
const table = (name: string): Parameters<typeof judgeTable>[0] => ({ name, placedName: name, rows: [{ bad: false }, { bad: true }], file: undefined });

test("a table that nobody knows is a failure, unless it is listed with a reason", () => {
  assert.equal(judgeTable(table("y.json#cases"), KNOWN, []).failures.length, 1);
  const listed = judgeTable(table("y.json#cases"), KNOWN, [{ table: "y.json#cases", reason: "not ours" }]);
  assert.deepEqual([listed.passed, listed.skipped, listed.failures], [0, 2, []]);
  // A row that is left out says nothing of the others.
  assert.equal(judgeTable(table("y.json#cases"), KNOWN, [{ table: "y.json#cases", rows: ({ bad }: { readonly bad: boolean }) => bad, reason: "not ours" }]).failures.length, 1);
});

test("each row of a known table is passed, failed or skipped", () => {
  const { passed, failures } = judgeTable(table("x.json#cases"), KNOWN, []);
  assert.deepEqual([passed, failures.length], [1, 1]);
  const skipped = judgeTable(table("x.json#cases"), KNOWN, [{ table: "x.json#cases", rows: ({ bad }: { readonly bad: boolean }) => bad, reason: "known to be bad" }]);
  assert.deepEqual([skipped.passed, skipped.skipped, skipped.reason, skipped.failures], [1, 1, "known to be bad", []]);
});
