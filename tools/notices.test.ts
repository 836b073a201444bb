import assert from "node:assert/strict";
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { thirdPartyNotices } from "./notices.ts";

const MANIFEST = JSON.stringify({ version: "1.2.3", license: "MIT" });

test("each bundled package gives its licence once, by its name", () => {
  using root = project({ "b/package.json": MANIFEST, "b/LICENSE": "Words of B.\n", "@a/a/package.json": MANIFEST, "@a/a/LICENSE.txt": "Words of A.\n", "c/package.json": MANIFEST });
  const text = thirdPartyNotices(root.path, ["node_modules/b/x.js", "node_modules/b/y.js", "src/cli/main.ts", "node_modules/@a/a/x.js"]);
  assert.equal(text, "Parts of these packages are in the JavaScript files of this folder.\n\n== @a/a 1.2.3 (MIT)\n\nWords of A.\n\n== b 1.2.3 (MIT)\n\nWords of B.\n");
});

test("where a package has no licence file, the copyrights of the files that are used count", () => {
  using root = project({
    "b/package.json": MANIFEST,
    "b/one.js": "// Copyright 2008 One.\n//\n// All rights.\nexport {};\n// Copyright of something else\n",
    "b/two.js": "/*!\n * Copyright Two\n */\nexport {};\n",
    "b/unused.js": "// Copyright Three\n",
  });
  const text = thirdPartyNotices(root.path, ["node_modules/b/one.js", "node_modules/b/two.js"]);
  assert.match(text, /\n\nCopyright 2008 One\.\n\nAll rights\.\n\nCopyright Two\n$/);
});

test("a package of unknown terms is not bundled", () => {
  using root = project({ "b/package.json": MANIFEST, "b/one.js": "export {};\n" });
  assert.throws(() => thirdPartyNotices(root.path, ["node_modules/b/one.js"]), /b: neither a licence file nor a copyright/);
});

function project(files: Readonly<Record<string, string>>): ReturnType<typeof mkdtempDisposableSync> {
  const root = mkdtempDisposableSync(join(tmpdir(), "stemma-notices-"));
  for (const [path, text] of Object.entries(files)) {
    const place = join(root.path, "node_modules", path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, text);
  }
  return root;
}
