import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { contextAddress } from "./docker-context.ts";

const id = (name: string): string => createHash("sha256").update(name).digest("hex");

async function put(path: string, value: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, typeof value === "string" ? value : JSON.stringify(value));
}

test("the engine is that of the named context, of DOCKER_HOST, of DOCKER_CONTEXT or of `docker context use`, in this order", async () => {
  await using home = await mkdtempDisposable(join(tmpdir(), "stemma-context-"));
  const config = join(home.path, ".docker");
  await put(join(config, "config.json"), { currentContext: "rootless" });
  for (const name of ["rootless", "other"]) await put(join(config, "contexts/meta", id(name), "meta.json"), { Name: name, Endpoints: { docker: { Host: `unix:///${name}.sock`, SkipTLSVerify: false } } });
  const env = { HOME: home.path };
  assert.equal(contextAddress(undefined, env), "unix:///rootless.sock");
  assert.equal(contextAddress(undefined, { ...env, DOCKER_CONTEXT: "other" }), "unix:///other.sock");
  assert.equal(contextAddress(undefined, { ...env, DOCKER_CONTEXT: "other", DOCKER_HOST: "tcp://h:1" }), "tcp://h:1");
  assert.equal(contextAddress("other", { ...env, DOCKER_HOST: "tcp://h:1" }), "unix:///other.sock");
  assert.equal(contextAddress("default", { ...env, DOCKER_HOST: "tcp://h:1" }), "tcp://h:1");
  assert.equal(contextAddress(undefined, { ...env, DOCKER_CONTEXT: "default" }), undefined);
  assert.equal(contextAddress(undefined, { HOME: join(home.path, "empty") }), undefined);
  assert.equal(contextAddress(undefined, { HOME: home.path, DOCKER_CONFIG: home.path }), undefined);
  assert.equal(contextAddress(undefined, {}), undefined);
});

test("a context that is not there, has no engine, is behind TLS or is damaged is refused by its name", async () => {
  await using home = await mkdtempDisposable(join(tmpdir(), "stemma-context-"));
  const meta = (name: string): string => join(home.path, "contexts/meta", id(name), "meta.json");
  await put(meta("kube"), { Endpoints: { kubernetes: {} } });
  await put(meta("broken"), "{");
  await put(meta("safe"), { Endpoints: { docker: { Host: "tcp://h:2376" } } });
  await put(join(home.path, "contexts/tls", id("safe"), "docker/ca.pem"), "");
  const refuses = (name: string, message: RegExp): void => assert.throws(() => contextAddress(undefined, { DOCKER_CONFIG: home.path, DOCKER_CONTEXT: name }), { name: "ExportError", code: "usage", message });
  refuses("gone", /^Docker's context "gone" is not there: see "docker context ls"/);
  refuses("kube", /^Docker's context "kube" names no engine: /);
  refuses("safe", /^Docker's context "safe": an engine behind TLS is not supported/);
  refuses("broken", /meta\.json: .*JSON.*: mend it, or set DOCKER_HOST$/);
  assert.throws(() => contextAddress("x", {}), /Docker's context "x" is not there/);
});
