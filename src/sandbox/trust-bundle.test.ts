import assert from "node:assert/strict";
import { appendFileSync, linkSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync, type BigIntStats } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { trustInTree } from "./trust-bundle.ts";

const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const BUNDLE = "etc/ssl/certs/ca-certificates.crt";

test("a file that nobody else has changed is what it was, its time and its links included", async (t) => {
  const { root, path, stat } = treeWith(t, BUNDLE, "others");
  const before = stat();
  const trust = await trustInTree(root, CERTIFICATE);
  assert.match(readFileSync(path, "utf8"), /^others\n# .*\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n# /);
  assert.equal(Buffer.from(trust.authorities).toString(), readFileSync(path, "utf8"));
  await trust[Symbol.asyncDispose]();
  assert.equal(readFileSync(path, "utf8"), "others");
  assert.deepEqual([stat().mtimeNs, stat().ino, stat().mode], [before.mtimeNs, before.ino, before.mode]);
});

test("what a step makes of it stays, but for the authority", async (t) => {
  const { root, path, stat } = treeWith(t, BUNDLE, "others\n");
  const trust = await trustInTree(root, CERTIFICATE);
  appendFileSync(path, "own\n");
  const changedNs = stat().mtimeNs;
  await trust[Symbol.asyncDispose]();
  assert.equal(readFileSync(path, "utf8"), "others\nown\n");
  assert.ok(stat().mtimeNs >= changedNs, "the time is that of a change");
});

test("a file that a step has put in its place has the step's bytes and time", async (t) => {
  const { root, path, stat } = treeWith(t, BUNDLE, "others\n");
  const trust = await trustInTree(root, CERTIFICATE);
  writeFileSync(`${path}.new`, "made anew\n");
  utimesSync(`${path}.new`, 1_700_000_000, 1_700_000_000);
  renameSync(`${path}.new`, path);
  await trust[Symbol.asyncDispose]();
  assert.deepEqual([readFileSync(path, "utf8"), stat().mtimeMs], ["made anew\n", 1_700_000_000_000n]);
});

test("a step may take the file away", async (t) => {
  const { root, path } = treeWith(t, BUNDLE, "others\n");
  const trust = await trustInTree(root, CERTIFICATE);
  rmSync(path);
  await trust[Symbol.asyncDispose]();
  assert.throws(() => statSync(path), { code: "ENOENT" });
});

test("links of the tree lead within the tree, and other distributions have other places", async (t) => {
  const { root, path } = treeWith(t, "etc/pki/bundle.pem", "others\n");
  mkdirSync(join(root.viewPath, "etc/ssl"));
  symlinkSync("/etc/pki/bundle.pem", join(root.viewPath, "etc/ssl/cert.pem"));
  linkSync(path, join(root.viewPath, "etc/twin"));
  await using _trust = await trustInTree(root, CERTIFICATE);
  assert.match(readFileSync(path, "utf8"), /AAAA/);
});

test("a tree without such a file stays as it is", async (t) => {
  const { root } = treeWith(t, "etc/passwd", "");
  symlinkSync("loop", join(root.viewPath, "loop"));
  mkdirSync(join(root.viewPath, "etc/ssl"));
  symlinkSync("/loop", join(root.viewPath, "etc/ssl/cert.pem"));
  await using trust = await trustInTree(root, CERTIFICATE);
  assert.match(Buffer.from(trust.authorities).toString(), /AAAA/);
});

function treeWith(t: TestContext, name: string, text: string): { readonly root: Parameters<typeof trustInTree>[0]; readonly path: string; readonly stat: () => BigIntStats } {
  const folder = mkdtempSync(join(tmpdir(), "stemma-trust-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  utimesSync(path, 1_600_000_000.25, 1_600_000_000.25);
  // Where it is mounted in the namespace is of no account here.
  return { root: { viewPath: folder, rootPath: folder } as Parameters<typeof trustInTree>[0], path, stat: () => statSync(path, { bigint: true }) };
}
