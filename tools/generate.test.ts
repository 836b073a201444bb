import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { generate } from "./generate.ts";

const COMMITTED: string = join(import.meta.dirname, "../src/proto");
const HAS_PROTOC: boolean = spawnSync("protoc", ["--version"]).error === undefined;

test("the committed protobuf modules are what proto/ gives", { skip: HAS_PROTOC ? false : "protoc is not installed (package protobuf-compiler)" }, () => {
  const fresh = mkdtempSync(join(tmpdir(), "stemma-generate-"));
  try {
    generate(fresh);
    const files = globSync("**/*.ts", { cwd: COMMITTED }).toSorted();
    assert.deepEqual(globSync("**/*.ts", { cwd: fresh }).toSorted(), files);
    for (const file of files) assert.equal(readFileSync(join(fresh, file), "utf8"), readFileSync(join(COMMITTED, file), "utf8"), file);
  } finally {
    rmSync(fresh, { recursive: true });
  }
});
