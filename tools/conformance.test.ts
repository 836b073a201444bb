import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { runConformance } from "./conformance.ts";

async function judge(t: TestContext, files: Readonly<Record<string, unknown>>): Promise<{ readonly status: number; readonly text: string }> {
  const folder = mkdtempSync(join(tmpdir(), "stemma-conformance-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ["llb", "vectors"]) mkdirSync(join(folder, name));
  for (const [path, content] of Object.entries(files)) {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    writeFileSync(join(folder, path), path.endsWith(".gz") ? gzipSync(text) : text);
  }
  let text = "";
  const status = await runConformance(folder, (more) => (text += more));
  return { status, text };
}

const WORDS = { cases: [{ input: "a b", env: [], expected: ["a", "b"] }, { input: "'a b'", env: [], expected: ["a b"] }] };

test("cases that hold pass, packed or not, and the last line counts them", async (t) => {
  const { status, text } = await judge(t, { "vectors/shell_wordsTest.json": WORDS, "vectors/tbl_sys_signal.json.gz": { tables: [{ func: "TestParseSignal", line: 1, table: { HUP: { $int: 1 } } }] } });
  assert.deepEqual([status, text], [0, "3 passed, 0 failed, 0 skipped\n"]);
});

test("a case that does not hold is shown, and fails the run", async (t) => {
  const { status, text } = await judge(t, { "vectors/shell_wordsTest.json": { cases: [{ input: "a b", env: [], expected: ["a b"] }] } });
  assert.equal(status, 1);
  assert.match(text, /^FAILED shell_wordsTest\.json#cases: \{"input":"a b"/);
  assert.match(text, /\n0 passed, 1 failed, 0 skipped\n$/);
});

test("a folder without cases fails", async (t) => {
  const { status, text } = await judge(t, {});
  assert.equal(status, 1);
  assert.match(text, /there are no cases/);
});

test("what nobody knows fails: a file, a table, a function, a broken line", async (t) => {
  const { status, text } = await judge(t, {
    "vectors/new.json": { cases: [1] }, "vectors/notes.txt": "", "vectors/tbl_sys_signal.json": { tables: [{ func: "TestNew", line: 1, table: [] }] },
    "vectors/go_functions_oracle.json": { cases: [{ fn: "strings.New", in: "" }] }, "llb/broken.jsonl": "{",
  });
  assert.equal(status, 1);
  for (const name of ["new.json#cases", "notes.txt", "tbl_sys_signal.json#TestNew:1", "strings.New", "broken.jsonl"]) assert.ok(text.includes(name), name);
  assert.match(text, /0 passed, 5 failed, 0 skipped\n$/);
});

test("a skip needs a reason in the list, and the reason is shown", async (t) => {
  const { status, text } = await judge(t, { "vectors/caps.json": { cases: [{ ID: "x", Enabled: true }] }, "vectors/shell_wordsTest.json": WORDS });
  assert.equal(status, 0);
  assert.match(text, /^SKIPPED caps\.json#cases: 1, what the recording's solver could do/);
});

test("a record that gives another graph fails", async (t) => {
  const record = { case: { name: "mine", dockerfile: "FROM scratch\n" }, result: { warnings: null, imageResolves: null, error: "no" } };
  const { status, text } = await judge(t, { "llb/mine.jsonl": record });
  assert.equal(status, 1);
  assert.match(text, /FAILED mine\.jsonl: mine\n  error: none; wanted no/);
});
