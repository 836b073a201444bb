import assert from "node:assert/strict";
import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { authoritySources, proxyVariables, settingsFile, stateRoot } from "./surroundings.ts";

test("of a proxy variable in both spellings the upper case one counts, and credentials are masked", () => {
  const env = { HTTPS_PROXY: "http://me:pass@proxy:3128", https_proxy: "http://other:1", no_proxy: "localhost,.corp", HTTP_PROXY: "" };
  assert.deepEqual(proxyVariables(env), [
    { name: "HTTPS_PROXY", value: "http://xxxxx:xxxxx@proxy:3128" },
    { name: "no_proxy", value: "localhost,.corp" },
  ]);
});

test("certificates that are named and cannot be read are told with the reason", () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "stemma-surroundings-"));
  const there = join(folder.path, "ca.pem");
  writeFileSync(there, "");
  const [machine, ...named] = authoritySources({ SSL_CERT_FILE: there, NODE_EXTRA_CA_CERTS: join(folder.path, "none.pem"), SSL_CERT_DIR: `${folder.path}:` });
  assert.equal(machine?.from, "machine");
  assert.deepEqual(named, [
    { from: "SSL_CERT_FILE", path: there, problem: undefined },
    { from: "NODE_EXTRA_CA_CERTS", path: join(folder.path, "none.pem"), problem: "ENOENT" },
    { from: "SSL_CERT_DIR", path: folder.path, problem: undefined },
  ]);
});

test("a settings file may be missing; one that says nonsense is told", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "stemma-surroundings-"));
  const path = join(folder.path, "stemma.toml");
  assert.deepEqual(await settingsFile(path), { path, exists: false, problem: undefined });
  writeFileSync(path, `[registry."a.example"]\nmirors = ["b.example"]\n`);
  const { exists, problem } = await settingsFile(path);
  assert.equal(exists, true);
  assert.match(problem ?? "", /mirors/);
});

test("state that is not there yet is judged by the directory that it will be made in", async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "stemma-surroundings-"));
  const { exists, nearest, writable, freeBytes } = await stateRoot(join(folder.path, "a", "b"));
  assert.deepEqual({ exists, nearest, writable }, { exists: false, nearest: folder.path, writable: true });
  assert.ok(freeBytes > 0);
  assert.equal((await stateRoot(folder.path)).exists, true);
});
