import assert from "node:assert/strict";
import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { runProcess } from "../host/process.ts";
import { openStateDatabase, StateStorageError, StateVersionError } from "./state-database.ts";

test("keeps what was saved for the next process", () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-state-"));
  const path = join(scratch.path, "state.db");
  {
    using first = openStateDatabase(path);
    first.saveCacheRecord("k", "v");
    first.saveFileDigests(new Map([["validator", "sha256:1"]]));
    first.saveFact("layer-blob", "l1", "{}");
    first.saveFacts("many", new Map([["a", "1"], ["b", "2"]]));
  }
  using second = openStateDatabase(path);
  assert.equal(second.cacheRecord("k"), "v");
  assert.deepEqual(second.fileDigests(["other", "validator"]), new Map([["validator", "sha256:1"]]));
  assert.equal(second.fact("layer-blob", "l1"), "{}");
  assert.equal(second.fact("layer-blob", "l2"), undefined);
  assert.deepEqual([second.fact("many", "a"), second.fact("many", "b"), second.fact("layer-blob", "a")], ["1", "2", undefined]);
});

test("of a kind of facts that could grow for ever, so many stay, and what was just saved, whatever it is called", () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-state-"));
  const path = join(scratch.path, "state.db");
  {
    using earlier = openStateDatabase(path);
    earlier.saveFacts("walk", new Map(Array.from({ length: 100 }, (_, i) => [`m${i}`, ""])));
    earlier.saveFact("other", "a", "a");
  }
  using database = openStateDatabase(path);
  const bounds = new Map([["walk", 10], ["other", 0]]);
  database.trimFacts(bounds);
  assert.equal(database.facts("walk").length, 100, "nothing was saved, and nothing is counted");
  database.saveFacts("walk", new Map([["a", ""], ["z", ""]]));
  database.trimFacts(bounds);
  const names = database.facts("walk").map(([name]) => name);
  assert.equal(names.length, 10);
  assert.deepEqual([names[0], names.at(-1)], ["a", "z"]);
  assert.equal(database.facts("other").length, 1, "a kind that was not touched");
  database.saveFacts("walk", new Map(Array.from({ length: 20 }, (_, i) => [`b${i}`, ""])));
  database.trimFacts(bounds);
  assert.deepEqual(new Set(database.facts("walk").map(([name]) => name[0])), new Set(["b"]), "one process may save more than stays");
  for (const [name, left] of [["c", 21], ["d", 16]] as const) {
    database.saveFact("walk", name, "");
    database.trimFacts(new Map([["walk", 16]]));
    assert.equal(database.facts("walk").length, left, "they are counted when an eighth of what may stay was saved");
  }
});

test("of a fact that several keep, the first one counts", () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-state-"));
  const path = join(scratch.path, "state.db");
  using one = openStateDatabase(path);
  using other = openStateDatabase(path);
  assert.equal(one.keepFact("invocation", "n", "first"), "first");
  assert.equal(other.keepFact("invocation", "n", "second"), "first");
  assert.equal(one.fact("invocation", "n"), "first");
});

test("lets four processes open and write at once", async () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-state-"));
  const path = join(scratch.path, "state.db");
  const module = join(import.meta.dirname, "state-database.ts");
  const script = `const { openStateDatabase } = await import(${JSON.stringify(module)});
    using state = openStateDatabase(${JSON.stringify(path)});
    for (let i = 0; i < 200; i++) state.saveCacheRecord(process.argv[1] + i, "v");`;
  const results = await Promise.all(["a", "b", "c", "d"].map((name) =>
    runProcess({ argv: [process.execPath, "--input-type=module", "-e", script, name], env: {} }, new AbortController().signal)));
  for (const { exitCode, stderr } of results) assert.equal(exitCode, 0, stderr.toString());
  using state = openStateDatabase(path);
  for (const name of ["a", "b", "c", "d"]) assert.equal(state.cacheRecord(`${name}199`), "v");
});

test("refuses what a newer version wrote, and says what to do", () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-state-"));
  const path = join(scratch.path, "state.db");
  const database = new DatabaseSync(path);
  database.exec("PRAGMA user_version=99");
  database.close();
  assert.throws(() => openStateDatabase(path), (error) => error instanceof StateVersionError && /upgrade, or use another --root/.test(error.message));
});

test("says what to do with a file that is no database", () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-state-"));
  const path = join(scratch.path, "state.db");
  writeFileSync(path, "x".repeat(4096));
  assert.throws(() => openStateDatabase(path), (error) => error instanceof StateStorageError && error.code === "storage" && error.message.startsWith(`${path}: file is not a database: it is damaged; remove it`));
});
