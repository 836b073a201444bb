import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { catalog } from "../../testing/catalog.ts";
import { treeOfDirectory, treeOfTexts } from "../../testing/scan-trees.ts";
import { npm } from "../catalogers/npm.ts";
import { purlOf } from "../purl.ts";

test("packages that npm installed are found with what they declare, their files, and what they find when they ask for it", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "stemma-npm-"));
  t.after(() => rmSync(root, { recursive: true }));
  const old = archive(root, { name: "tool", version: "1.0.0", license: "MIT", author: { name: "A. Person", email: "a@person.example" }, homepage: "https://tool.example/" }, ["lib/tool.js"]);
  const current = archive(root, { name: "tool", version: "2.0.0", licenses: [{ type: "BSD-3-Clause" }, { type: "Apache-2.0" }], author: "B <b@person.example>" });
  const scoped = archive(root, { name: "@scope/user", version: "3.0.0-rc.1", dependencies: { tool: `file:${old}` } });
  mkdirSync(join(root, "app"));
  writeFileSync(join(root, "app/package.json"), JSON.stringify({ name: "app", version: "1.0.0", dependencies: { tool: `file:${current}`, "@scope/user": `file:${scoped}` } }));
  run("install", join(root, "app"));

  const all = await catalog(npm, treeOfDirectory(root));
  assert.deepEqual(all.warnings, []);
  assert.deepEqual(Object.keys(all.needs), ["pkg:npm/%40scope/user@3.0.0-rc.1", "pkg:npm/tool@1.0.0", "pkg:npm/tool@2.0.0"]);
  const [user, nested, outer] = all.packages;
  assert.deepEqual(user?.dependencies, ["pkg:npm/tool@1.0.0"]);
  assert.deepEqual(user.files, ["app/node_modules/@scope/user/package.json"]);
  assert.deepEqual({ ...nested, homepage: nested?.homepage }, {
    type: "npm", namespace: undefined, name: "tool", version: "1.0.0", qualifiers: {}, licenses: ["MIT"],
    supplier: "A. Person <a@person.example>", homepage: "https://tool.example/",
    evidence: ["app/node_modules/@scope/user/node_modules/tool/package.json"],
    broughtBy: "app/node_modules/@scope/user/node_modules/tool/package.json",
    files: ["app/node_modules/@scope/user/node_modules/tool/lib/tool.js", "app/node_modules/@scope/user/node_modules/tool/package.json"],
    dependencies: [],
  });
  assert.deepEqual(outer?.licenses, ["BSD-3-Clause", "Apache-2.0"]);
  assert.equal(outer.supplier, "B <b@person.example>");
});

/** What `npm pack` makes of a package: the path of its archive. */
function archive(root: string, manifest: Readonly<Record<string, unknown>>, files: readonly string[] = []): string {
  const folder = mkdtempSync(join(root, "package-"));
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  for (const file of files) {
    mkdirSync(join(folder, file, ".."), { recursive: true });
    writeFileSync(join(folder, file), "");
  }
  const [name = ""] = run("pack", folder).trim().split("\n").slice(-1);
  return join(folder, name);
}

function run(command: string, cwd: string): string {
  return execFileSync("npm", [command, "--offline", "--no-audit", "--no-fund", "--loglevel=error"], { cwd, encoding: "utf8" });
}

const locked = (versions: Readonly<Record<string, string>>): string =>
  JSON.stringify({ lockfileVersion: 3, packages: Object.fromEntries(Object.entries(versions).map(([name, version]) => [`node_modules/${name}`, { version }])) });

test("what is installed below a lock file is found as installed, and of the lock file only what is not", async () => {
  const lock = locked({ a: "1.0.0", b: "1.0.0", c: "1.0.0" });
  const all = await catalog(npm, treeOfTexts({
    "app/package-lock.json": lock,
    "app/node_modules/a/package.json": '{"name":"a","version":"1.0.0"}',
    "app/node_modules/b/package.json": '{"name":"b","version":"1.0.1"}',
    "elsewhere/node_modules/c/package.json": '{"name":"c","version":"1.0.0"}',
  }));
  assert.deepEqual(all.packages.map((one) => `${purlOf(one)} ${one.evidence.join()}`).toSorted(), [
    "pkg:npm/a@1.0.0 app/node_modules/a/package.json",
    "pkg:npm/b@1.0.0 app/package-lock.json",
    "pkg:npm/b@1.0.1 app/node_modules/b/package.json",
    "pkg:npm/c@1.0.0 app/package-lock.json",
    "pkg:npm/c@1.0.0 elsewhere/node_modules/c/package.json",
  ]);
});

test("pnpm's links lead to the packages that lie in its store, each once", async () => {
  const all = await catalog(npm, treeOfTexts({
    "app/node_modules/.pnpm/a@1.0.0/node_modules/a/package.json": '{"name":"a","version":"1.0.0","dependencies":{"b":"^2"}}',
    "app/node_modules/.pnpm/a@1.0.0/node_modules/b": "-> ../../b@2.0.0/node_modules/b",
    "app/node_modules/.pnpm/b@2.0.0/node_modules/b/package.json": '{"name":"b","version":"2.0.0"}',
    "app/node_modules/a": "-> .pnpm/a@1.0.0/node_modules/a",
  }));
  assert.deepEqual(all.packages.map((one) => [purlOf(one), one.dependencies]), [["pkg:npm/a@1.0.0", ["pkg:npm/b@2.0.0"]], ["pkg:npm/b@2.0.0", []]]);
});

test("an alias is found by its real name, and a package.json further down in a package is no package", async () => {
  const all = await catalog(npm, treeOfTexts({
    "node_modules/alias/package.json": '{"name":"real","version":"1.0.0"}',
    "node_modules/alias/esm/package.json": '{"type":"module"}',
    "node_modules/.bin/package.json": "{}",
  }));
  assert.deepEqual(Object.keys(all.needs), ["pkg:npm/real@1.0.0"]);
  assert.deepEqual(all.warnings, []);
});

test("a package without a version has none, and one without a name is no package", async () => {
  const all = await catalog(npm, treeOfTexts({
    "node_modules/a/package.json": '\uFEFF{"name":"a","version":3,"license":{},"author":[]}',
    "node_modules/b/package.json": '{"version":"1.0.0"}',
    "node_modules/c/package.json": '{"name":"../c","version":"1.0.0"}',
    "node_modules/d/package.json": "null",
    "node_modules/e/package.json": "\0\0",
  }));
  assert.deepEqual(Object.keys(all.needs), ["pkg:npm/a"]);
  assert.deepEqual(all.warnings, [
    ...["b", "c", "d"].map((name) => `node_modules/${name}/package.json: package.json of a package without a name`),
    "node_modules/e/package.json: no valid JSON",
  ]);
});
