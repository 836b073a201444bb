import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { longestFirst } from "./run-test-files.ts";

const folder = mkdtempSync(join(tmpdir(), "stemma-run-"));
after(() => rmSync(folder, { recursive: true }));

/** In a process of its own: within a test, node:test runs nothing. */
function runFiles(files: Readonly<Record<string, string>>, ...msMax: readonly number[]): { readonly stdout: string; readonly passed: boolean } {
  for (const [name, body] of Object.entries(files)) writeFileSync(join(folder, name), `const { test } = require("node:test");\n${body}\n`);
  const program = join(folder, "run.mjs");
  const paths = Object.keys(files).map((name) => join(folder, name));
  writeFileSync(program, `import { runTestFiles } from ${JSON.stringify(import.meta.resolve("./run-test-files.ts"))};\nprocess.exitCode = (await runTestFiles(${[paths, ...msMax].map((each) => JSON.stringify(each)).join(", ")})) ? 0 : 1;\n`);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], { encoding: "utf8", env });
  assert.equal(stderr, "");
  return { stdout, passed: status === 0 };
}

const PASSES = 'test("holds", () => {});';

test("files pass together, and those that took longest are told", () => {
  const { stdout, passed } = runFiles({ "a.test.cjs": PASSES, "b.test.cjs": PASSES });
  assert.ok(passed, stdout);
  assert.match(stdout, /ℹ pass 2\n[^]*the slowest files:\n.* s {2}.*\.test\.cjs\n.* s {2}.*\.test\.cjs\n$/);
});

for (const [what, body] of Object.entries({ "a test that fails": 'test("fails", () => { throw new Error("no"); });', "a file that ends badly": `${PASSES} process.exitCode = 3;`, "a file that does not load": "}" })) {
  test(`${what} fails the run`, () => {
    const { stdout, passed } = runFiles({ "a.test.cjs": PASSES, "b.test.cjs": body });
    assert.ok(!passed, stdout);
    assert.match(stdout, /✖ .*b\.test\.cjs|✖ fails/);
  });
}

test("a file that does not end fails the run, says why, and keeps no other from its turn", () => {
  const waits = "new Promise(() => setInterval(() => {}, 1000))";
  const { stdout, passed } = runFiles({ "a.test.cjs": `${PASSES} void ${waits};`, "b.test.cjs": `require("node:test").before(() => ${waits});\n${PASSES}`, "c.test.cjs": 'test("comes last", () => {});' }, 3000);
  assert.ok(!passed, stdout);
  assert.equal(stdout.match(/this file did not end within 3000 ms; it waits for\n.*\bTimeout\b/g)?.length, 2, stdout);
  assert.match(stdout, /✖ .*a\.test\.cjs[^]*✖ .*b\.test\.cjs[^]*✔ comes last/);
});

test("a file that is stuck in one call is killed, and told by its name", () => {
  const { stdout, passed } = runFiles({ "a.test.cjs": PASSES, "b.test.cjs": 'test("stuck", () => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); });', "c.test.cjs": 'test("comes last", () => {});' }, 1000);
  assert.ok(!passed, stdout);
  assert.match(stdout, /this file is stuck, and is killed: \d+ .*b\.test\.cjs/);
  assert.match(stdout, /✖ .*b\.test\.cjs[^]*✔ comes last/);
});

test("what takes long starts first", () => {
  const files = ["src/a.test.ts", "src/large-b.test.ts", "test/e2e/a.test.ts", "test/e2e/sbom-of-debian.test.ts"];
  assert.deepEqual(longestFirst(files), [files[3], files[2], files[1], files[0]]);
});
