import assert from "node:assert/strict";
import { globSync, mkdirSync, mkdtempDisposableSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { pruneDeclarations } from "./declarations.ts";

test("keeps the types that the doors name, however far away, and no others", () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "stemma-types-"));
  write(folder.path, {
    "doors/build.d.ts": `export type { Outcome } from "../engine/outcome.ts";\n`,
    "engine/outcome.d.ts": `export type Outcome = import("../oci/digest.ts").Digest;\n`,
    "oci/digest.d.ts": `import "./brand.ts";\nimport type { Readable } from "node:stream";\nexport type Digest = string;\n`,
    "oci/brand.d.ts": `import "../doors/build.ts";\n`,
    "engine/secret/plan.d.ts": `export type Plan = string;\n`,
  });
  pruneDeclarations(folder.path, ["doors/build.d.ts"]);
  assert.deepEqual(globSync("**", { cwd: folder.path }).toSorted(), [
    ".", "doors", "doors/build.d.ts", "engine", "engine/outcome.d.ts", "oci", "oci/brand.d.ts", "oci/digest.d.ts",
  ]);
});

test("names modules as the compilers of others look for them", () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "stemma-types-"));
  write(folder.path, {
    "doors/a.d.ts": `export { b } from "../b.ts";\nexport declare const c: import("../b.ts").C; // "./x.ts" in words stays\n`,
    "b.d.ts": "export declare const b: string;\n",
  });
  pruneDeclarations(folder.path, ["doors/a.d.ts"]);
  assert.equal(
    readFileSync(join(folder.path, "doors/a.d.ts"), "utf8"),
    `export { b } from "../b.js";\nexport declare const c: import("../b.js").C; // "./x.ts" in words stays\n`,
  );
});

test("a type that is named and missing is a failure", () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "stemma-types-"));
  write(folder.path, { "doors/a.d.ts": `export { b } from "../b.ts";\n` });
  assert.throws(() => pruneDeclarations(folder.path, ["doors/a.d.ts"]), /b\.d\.ts/);
});

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

test("generated messages need no library that users do not have", () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "stemma-types-"));
  write(folder.path, {
    "doors/llb.d.ts": `export type { Op } from "../proto/ops.ts";\n`,
    "proto/ops.d.ts": `import type { Message } from "@bufbuild/protobuf";\nexport type Op = Message<"pb.Op">;\n`,
  });
  pruneDeclarations(folder.path, ["doors/llb.d.ts"]);
  assert.match(readFileSync(join(folder.path, "proto/ops.d.ts"), "utf8"), /from "\.\.\/protobuf\.js"/);
  assert.match(readFileSync(join(folder.path, "protobuf.d.ts"), "utf8"), /export type Message</);
});
