import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { loadRegistryConfig, readRegistryConfig, RegistryConfigError, registryConfigPath, withInsecureRegistry } from "./registry-config.ts";

let directory = "";
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "stemma-config-"));
  for (const name of ["ca.pem", "c.pem", "k.pem"]) await writeFile(join(directory, name), `text of ${name}`);
  await mkdir(join(directory, "certs.d"));
  for (const name of ["a.crt", "x.cert", "x.key"]) await writeFile(join(directory, "certs.d", name), `text of ${name}`);
});
after(() => rm(directory, { recursive: true, force: true }));

async function read(text: string): ReturnType<typeof readRegistryConfig> {
  const path = join(directory, "stemma.toml");
  await writeFile(path, text);
  return await readRegistryConfig(path);
}

describe("registry settings", () => {
  test("have BuildKit's form, and its other tables are left alone", async () => {
    const { registries } = await read(`
      debug = true
      [worker.oci]
        enabled = true
      [registry."docker.io"]
        mirrors = ["mirror.example", "m2.example/prefix"]
        http = true
        insecure = true
        ca = ["${directory}/ca.pem"]
        tlsconfigdir = ["${directory}/certs.d", "${directory}/missing"]
        [[registry."docker.io".keypair]]
          key = "${directory}/k.pem"
          cert = "${directory}/c.pem"
      [registry."plain.example"]
    `);
    assert.deepEqual(registries.get("docker.io"), {
      mirrors: ["mirror.example", "m2.example/prefix"],
      http: true,
      tls: {
        ca: ["text of ca.pem", "text of a.crt"],
        keypairs: [{ cert: "text of c.pem", key: "text of k.pem" }, { cert: "text of x.cert", key: "text of x.key" }],
        insecure: true,
      },
    });
    assert.deepEqual(registries.get("plain.example"), { mirrors: [], http: undefined, tls: { ca: [], keypairs: [], insecure: false } });
  });

  test("that nobody wrote are empty", async () => {
    assert.equal((await readRegistryConfig(join(directory, "none.toml"))).registries.size, 0);
    assert.equal((await loadRegistryConfig({ XDG_CONFIG_HOME: directory })).path, join(directory, "stemma", "stemma.toml"));
    assert.equal(registryConfigPath({ HOME: "/home/me" }), "/home/me/.config/stemma/stemma.toml");
    assert.equal((await loadRegistryConfig({})).registries.size, 0);
  });

  test("can be loosened for one registry, as an exporter's registry.insecure does", async () => {
    const loosened = withInsecureRegistry(await read('[registry."a"]\nmirrors = ["m"]'), "a");
    assert.deepEqual(loosened.registries.get("a"), { mirrors: ["m"], http: true, tls: { ca: [], keypairs: [], insecure: true } });
  });
});

describe("registry settings with mistakes", () => {
  test("are refused, and the message names the place", async () => {
    const cases: ReadonlyArray<readonly [text: string, words: RegExp]> = [
      ["registri = 1", /unknown key registri$/],
      ['[registry."a"]\nmirror = ["b"]', /registry\."a": unknown key mirror; there are mirrors,/],
      ['[registry."a"]\nmirrors = "b"', /registry\."a"\.mirrors is not a list of texts/],
      ['[registry."a"]\nhttp = "yes"', /registry\."a"\.http is neither true nor false/],
      ['[registry."a"]\nca = ["/none/ca.pem"]', /registry\."a": ENOENT.*\/none\/ca\.pem/],
      ['[[registry."a".keypair]]\nkey = "x"', /registry\."a"\.keypair\.cert is not a text/],
      ["[registry", /stemma\.toml: /],
      ["registry = 1", /registry is not a table/],
    ];
    for (const [text, words] of cases) {
      await assert.rejects(read(text), (error: unknown) => error instanceof RegistryConfigError && words.test(error.message), text);
    }
  });
});
