import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { Environment } from "../host/environment.ts";
import { runProcess } from "../host/process.ts";
import { COMMAND, COMPILE_CACHE } from "../testing/command-path.ts";
import { startDockerRegistry, dockerRegistrySkip, DOCKER_REGISTRY_USER } from "../testing/docker-registry.ts";
import { reportRegistry } from "./doctor-registry.ts";
import { EXIT } from "./exit-code.ts";
import { registryHost } from "./registry-host.ts";
import { UsageError } from "./usage-error.ts";

const limit = (): AbortSignal => AbortSignal.timeout(30_000);

let home = "";
let env: Environment = {};
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "stemma-home-"));
  env = { HOME: home, PATH: process.env["PATH"] };
});
afterEach(() => rm(home, { recursive: true, force: true }));

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

async function stemma(args: readonly string[], input = "", more: Environment = {}): Promise<Ran> {
  const argv = [process.execPath, COMMAND, ...args] as const;
  const { exitCode, stdout, stderr } = await runProcess({ argv: [...argv], env: { ...env, ...COMPILE_CACHE, ...more }, input }, limit());
  return { status: exitCode, out: stdout.toString(), err: stderr.toString() };
}

describe("stemma login", { skip: dockerRegistrySkip }, () => {
  test("stores what the registry accepts, doctor finds it, and logout forgets it", async () => {
    const { username, password } = DOCKER_REGISTRY_USER;
    await using registry = await startDockerRegistry({ auth: "basic" });
    const login = ["login", "-u", username, "--password-stdin", registry.host];
    const refused = await stemma(login, "wrong\n");
    assert.equal(refused.status, EXIT.credentials, refused.err);
    assert.match(refused.err, /^ERROR: 127\.0\.0\.1:\d+: .*user "stemma"/);
    assert.ok(!refused.err.includes("wrong"), refused.err);

    const accepted = await stemma(login, `${password}\n`);
    const file = join(home, ".docker/config.json");
    assert.deepEqual([accepted.status, accepted.out], [EXIT.ok, `${registry.host}: logged in as stemma; stored in ${file}\n`]);
    assert.match(accepted.err, /^WARNING: .*credential helper/);
    assert.ok((await readFile(file, "utf8")).includes(registry.host));

    const report = await reportRegistry(`${registry.host}/a/b:1`, { env, signal: limit() });
    assert.ok(report.isSound);
    assert.equal(report.text, [
      `repository   ${registry.host}/a/b`, `asked        http://${registry.host}`, `credentials  user "stemma" (from ${file})`,
      "push         taken", "referrers    not kept by the registry: evidence beside an image is listed under a tag sha256-…",
      "attestations taken as OCI artifacts", "subjects     taken: evidence may refer to an image whose tag stays plain (--attest-store=referrers)", "",
    ].join("\n"));

    assert.equal((await stemma(["logout", registry.host])).out, `${registry.host}: logged out\n`);
    assert.equal((await stemma(["logout", registry.host])).out, `${registry.host}: there were no credentials\n`);
    const lost = await reportRegistry(`${registry.host}/a/b`, { env, signal: limit() });
    assert.equal(lost.isSound, false);
    assert.match(lost.text, /push +refused: .*stemma login/);
  });

  test("warns where another place is looked into first", async () => {
    await using registry = await startDockerRegistry();
    const { err } = await stemma(["login", "-u", "me", "--password-stdin", registry.host], "x", { DOCKER_AUTH_CONFIG: "{}" });
    assert.match(err, /WARNING: DOCKER_AUTH_CONFIG is set/);
  });
});

describe("the words of login and logout", () => {
  test("that cannot be understood are refused with what to write", async () => {
    for (const [args, words] of [
      [["login", "r.example"], "login needs a user: -u USER"],
      [["login", "-u", "me", "r.example"], "--password-stdin"],
      [["login", "-u", "me", "--password-stdin", "r.example"], "the password is empty"],
      [["login", "--pasword", "x"], "--pasword"],
      [["login", "-u", "me", "a", "b"], "one registry"],
      [["logout", "a", "b"], "one registry"],
    ] as const) {
      const { status, err } = await stemma(args);
      assert.equal(status, EXIT.usage, err);
      assert.ok(err.includes(words), err);
    }
  });

  test("name a registry as references do", () => {
    assert.equal(registryHost(undefined), "docker.io");
    for (const hub of ["docker.io", "https://index.docker.io/v1/", "registry-1.docker.io"]) assert.equal(registryHost(hub), "docker.io");
    assert.equal(registryHost("localhost:5000"), "localhost:5000");
    assert.equal(registryHost("https://ghcr.io/"), "ghcr.io");
    for (const wrong of ["", "-x", "a b", "ghcr.io:", "user@host"]) assert.throws(() => registryHost(wrong), UsageError, wrong);
  });
});
