import assert from "node:assert/strict";
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { missingPaths } from "./doc-paths.ts";

test("a document names only what is there, with the line where it does not", () => {
  using root = mkdtempDisposableSync(join(tmpdir(), "stemma-doc-"));
  mkdirSync(join(root.path, "src", "oci"), { recursive: true });
  writeFileSync(join(root.path, "src", "oci", "digest.ts"), "");
  const text = [
    "`src/oci/` has `src/oci/digest.ts`, line 3 is `src/oci/digest.ts:3`, and all are `src/**/*.ts`.",
    "No `src/oci/gone.ts`, and `docs/*.md` matches nothing.",
    "`npm run src/x`, src/without/ticks and `/usr/src/x` are none of ours.",
  ].join("\n");
  assert.deepEqual(missingPaths(root.path, "docs/a.md", text), ["docs/a.md:2: there is no src/oci/gone.ts", "docs/a.md:2: there is no docs/*.md"]);
});
