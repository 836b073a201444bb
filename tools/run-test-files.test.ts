import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { longestFirst } from "./run-test-files.ts";

const folder = mkdtempSync(join(tmpdir(), "stemma-run-"));
after(() => rmSync(folder, { recursive: true }));

/** In a process of its own: within a test, node:test runs nothing. */
function runFiles(files: Readonly<Record<string, string>>, ...msMax: readonly number[]): { readonly stdout: string; readonly passed: boolean } {
  for (const [name, body] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), `const { test } = require("node:test");\n${body}\n`);
  }
  const program = join(folder, "run.mjs");
  const paths = Object.keys(files);
  writeFileSync(program, `import { runTestFiles } from ${JSON.stringify(import.meta.resolve("./run-test-files.ts"))};\nprocess.exitCode = (await runTestFiles(${[paths, ...msMax].map((each) => JSON.stringify(each)).join(", ")})) ? 0 : 1;\n`);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], { encoding: "utf8", env, cwd: folder });
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

test("a file that is stuck in one call is killed, and told by its name, also where it shares a process", () => {
  const stuck = 'test("stuck", () => { const { wait } = global["Ato" + "mics"]; wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); });';
  const { stdout, passed } = runFiles({ "a.test.cjs": PASSES, "b.test.cjs": stuck, "c.test.cjs": 'test("comes last", () => {});', "src/one/a.test.cjs": PASSES, "src/one/d.test.cjs": stuck }, 1000);
  assert.ok(!passed, stdout);
  assert.match(stdout, /this file is stuck, and is killed: \d+ .* b\.test\.cjs/);
  assert.match(stdout, /this file is stuck, and is killed: \d+ node src\/one\/d\.test\.cjs/);
  assert.match(stdout, /✖ .*b\.test\.cjs[^]*✔ comes last/);
});

describe("files of one folder", () => {
  const tells = (name: string): string => `test(${JSON.stringify(name)}, () => console.log("ran in", process["pid"]));`;
  const pidsIn = (stdout: string): readonly string[] => [...stdout.matchAll(/ran in (\d+)/g)].map(([, pid = ""]) => pid);

  test("share a process, but for what sets or measures something of its own, or runs others, itself or by what tests alone import", () => {
    const reasons = ['process.env["A"] = "b";', "process.chdir('.');", "process.on('warning', () => {});", "process.cpuUsage();", "globalThis.a = 1;", 'require("node:child_process");'];
    mkdirSync(join(folder, "src/testing"), { recursive: true });
    writeFileSync(join(folder, "src/testing/measure.mjs"), "export const used = () => process.memoryUsage();\n");
    const files = {
      "src/one/a.test.cjs": tells("a"), "src/one/deep/b.test.cjs": tells("b"), "src/one/c.test.cjs": tells("c"), "src/two/d.test.cjs": tells("d"), "test/e.test.cjs": tells("e"), "test/f.test.cjs": tells("f"),
      "src/one/g.test.cjs": `/*\nimport { used } from "../testing/measure.mjs";\n*/ ${tells("g")}`,
      ...Object.fromEntries(reasons.map((reason, i) => [`src/one/own${i}.test.cjs`, `${reason} ${tells(`own${i}`)}`])),
    };
    const { stdout, passed } = runFiles(files);
    assert.ok(passed, stdout);
    assert.match(stdout, /▶ src\/one\/a\.test\.cjs\n {2}✔ a .*\n✔ src\/one\/a\.test\.cjs .*\n▶ src\/one\/c\.test\.cjs\n {2}✔ c .*\n✔.*\n▶ src\/one\/deep\/b\.test\.cjs\n {2}✔ b /);
    const pids = pidsIn(stdout);
    const [shared, ...others] = [...Map.groupBy(pids, (pid) => pid).values()].map(({ length }) => length).toSorted((a, b) => b - a);
    assert.deepEqual([pids.length, shared, new Set(others), others.length], [13, 3, new Set([1]), 10]);
    assert.match(stdout, /ℹ tests 13\n[^]*the slowest files:\n[^]* s {2}src-one\n/);
  });

  for (const [what, body, says] of [
    ["a test that fails", 'test("fails", () => { throw new Error("no"); });', /✖ fails/],
    ["a hook that fails", `require("node:test").after(() => { throw new Error("no"); });\n${PASSES}`, /no/],
    ["one that does not load", "}", /SyntaxError/],
  ] as const) {
    test(`fail with ${what}, which is told by its name, and the others are run`, () => {
      const { stdout, passed } = runFiles({ "src/one/a.test.cjs": PASSES, "src/one/b.test.cjs": body, "src/one/c.test.cjs": 'test("comes last", () => {});' });
      assert.ok(!passed, stdout);
      assert.match(stdout, /✖ src\/one\/b\.test\.cjs[^]*✔ comes last/);
      assert.match(stdout, says);
    });
  }

  test("do not wait long for one of them that does not end, and whatever holds their process up is named", () => {
    const { stdout, passed } = runFiles({
      "src/one/a.test.cjs": 'test("waits", () => new Promise(() => setInterval(() => {}, 1000)));', "src/one/b.test.cjs": 'test("comes last", () => {});',
      "src/two/a.test.cjs": PASSES, "src/two/b.test.cjs": 'test("leaves", () => void setInterval(() => {}, 1000));', "src/two/c.test.cjs": PASSES,
    }, 4000);
    assert.ok(!passed, stdout);
    assert.match(stdout, /✖ waits [^]*✖ src\/one\/a\.test\.cjs[^]*✔ comes last/);
    assert.match(stdout, /was left by one of src\/two\/b\.test\.cjs\n/);
  });
});

test("what takes long starts first", () => {
  const files = ["src/a.test.ts", "src/oci", "src/source/git.test.ts", "src/large-b.test.ts", "test/e2e/a.test.ts", "test/e2e/sbom-of-debian.test.ts"];
  assert.deepEqual(longestFirst(files), files.toReversed());
});
