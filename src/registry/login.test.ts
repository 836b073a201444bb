import assert from "node:assert/strict";
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { Environment } from "../host/environment.ts";
import { CredentialError, type Credential, type FoundCredential } from "./credential.ts";
import { defaultCredentials } from "./default-credentials.ts";
import { eraseLogin, storeLogin } from "./login.ts";

const signal = AbortSignal.timeout(600_000);
const auth = (text: string): string => Buffer.from(text).toString("base64");
const basic = (username: string, password: string): Credential => ({ kind: "basic", username, password });

/** A helper that keeps one file for each server, as real ones keep a key chain. */
const HELPER = `#!/bin/sh
dir=$(dirname "$0")/store; mkdir -p "$dir"; input=$(cat)
server=$input; [ "$1" = store ] && server=$(printf %s "$input" | sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/')
file="$dir/$(printf %s "$server" | tr '/:' '__')"
case "$1" in
  get) [ -f "$file" ] && cat "$file" || { echo "credentials not found in native keychain"; exit 1; } ;;
  store) printf %s "$input" > "$file" ;;
  erase) rm -f "$file" ;;
esac
`;

let home = "";
let env: Environment = {};

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "stemma-home-"));
  env = { HOME: home, PATH: `${home}/bin:${process.env["PATH"]}` };
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function write(path: string, value: unknown): Promise<string> {
  const file = join(home, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, typeof value === "string" ? value : JSON.stringify(value));
  return file;
}

async function addHelper(name: string, script = HELPER): Promise<void> {
  await chmod(await write(`bin/docker-credential-${name}`, script), 0o755);
}

function find(host: string, environment = env): Promise<FoundCredential | undefined> {
  return defaultCredentials(environment).find(host, signal);
}

describe("credentials of the environment", () => {
  test("are found in each place, and the first place that has any for a registry wins", async () => {
    const docker = await write(".docker/config.json", { auths: { "a.example": { auth: auth("docker:1") }, "b.example": { auth: auth("docker:2") }, "c.example": { auth: auth("docker:3") } } });
    const file = await write("auth.json", { auths: { "a.example": { auth: auth("file:1") }, "b.example": { auth: auth("file:2") } } });
    const variable = JSON.stringify({ auths: { "a.example": { auth: auth("variable:with:colons") } } });
    const all = { ...env, REGISTRY_AUTH_FILE: file, DOCKER_AUTH_CONFIG: variable };
    assert.deepEqual(await find("a.example", all), { credential: basic("variable", "with:colons"), source: "DOCKER_AUTH_CONFIG" });
    assert.deepEqual(await find("b.example", all), { credential: basic("file", "2"), source: file });
    assert.deepEqual(await find("c.example", all), { credential: basic("docker", "3"), source: docker });
    assert.equal(await find("d.example", all), undefined);
    const elsewhere = await write("other/config.json", { auths: { "a.example": { auth: auth("other:1") } } });
    assert.equal((await find("a.example", { ...env, DOCKER_CONFIG: dirname(elsewhere) }))?.source, elsewhere);
    assert.equal(defaultCredentials(all).places, `DOCKER_AUTH_CONFIG, ${file}, ${docker}`);
  });

  test("have many forms", async () => {
    await write(".docker/config.json", {
      auths: {
        "https://index.docker.io/v1/": { auth: auth("hub:1") },
        "https://legacy.example/v1/": { auth: auth("legacy:2\0\0") },
        "identity.example:5000": { auth: auth("ignored:x"), identitytoken: "refresh" },
        "token.example": { registrytoken: "bearer" },
        "plain.example": { username: "u", password: "p" },
        "empty.example": {},
      },
    });
    for (const host of ["docker.io", "index.docker.io", "registry-1.docker.io"]) assert.deepEqual((await find(host))?.credential, basic("hub", "1"));
    assert.deepEqual((await find("legacy.example"))?.credential, basic("legacy", "2"));
    assert.deepEqual((await find("identity.example:5000"))?.credential, { kind: "identity", token: "refresh" });
    assert.deepEqual((await find("token.example"))?.credential, { kind: "bearer", token: "bearer" });
    assert.deepEqual((await find("plain.example"))?.credential, basic("u", "p"));
    assert.equal(await find("empty.example"), undefined);
    assert.equal(await find("identity.example"), undefined);
  });

  test("come from helpers: a registry's own, else the general one, else the file", async () => {
    await addHelper("own", `#!/bin/sh\necho '{"ServerURL":"x","Username":"<token>","Secret":"refresh"}'\n`);
    await addHelper("general");
    const config = await write(".docker/config.json", {
      credHelpers: { "own.example": "own" }, credsStore: "general", auths: { "file.example": { auth: auth("f:1") } },
    });
    await storeLogin({ host: "docker.io", credential: basic("hub", "2"), env }, signal);
    assert.deepEqual(await find("own.example"), { credential: { kind: "identity", token: "refresh" }, source: `docker-credential-own, named in ${config}` });
    assert.deepEqual((await find("docker.io"))?.credential, basic("hub", "2"));
    assert.deepEqual((await find("file.example"))?.credential, basic("f", "1"));
    assert.equal(await find("none.example"), undefined);
  });

  test("that cannot be read are an error that keeps their secrets", async () => {
    const rejectsFor = async (config: unknown, words: RegExp): Promise<void> => {
      await write(".docker/config.json", config);
      await assert.rejects(find("a.example"), (error: unknown) => {
        assert.ok(error instanceof CredentialError);
        assert.match(error.message, words);
        assert.ok(!error.message.includes("hidden"), error.message);
        return true;
      });
    };
    await addHelper("failing", "#!/bin/sh\necho 'the key chain is locked' >&2\nexit 3\n");
    await addHelper("babbling", "#!/bin/sh\necho 'hidden'\n");
    await rejectsFor('{"auths": {"a.example": {"auth": "hidden"', /config\.json: not JSON/);
    await rejectsFor([], /not a JSON object/);
    await rejectsFor({ auths: { "a.example": { auth: auth("hidden") } } }, /a\.example: "auth" is not base64/);
    await rejectsFor({ credsStore: "missing" }, /docker-credential-missing: .*ENOENT/);
    await rejectsFor({ credsStore: "failing" }, /docker-credential-failing get: exit code 3: the key chain is locked/);
    await rejectsFor({ credsStore: "babbling" }, /docker-credential-babbling get: printed no JSON/);
    await rejectsFor({ credsStore: "../bin/evil" }, /not the name of a credential helper/);
  });
});

describe("a login", () => {
  const config = async (): Promise<Record<string, unknown>> => JSON.parse(await readFile(join(home, ".docker/config.json"), "utf8")) as Record<string, unknown>;

  test("is kept in a file that only its owner reads, beside all that stands there", async () => {
    await write(".docker/config.json", { psFormat: "x", auths: { "b.example": { auth: auth("b:1") }, "https://a.example/v1/": { auth: auth("old:1") } } });
    const stored = await storeLogin({ host: "a.example", credential: basic("me", "secret"), env }, signal);
    assert.deepEqual(stored, { place: join(home, ".docker/config.json"), isPlainText: true });
    assert.deepEqual(await config(), { psFormat: "x", auths: { "b.example": { auth: auth("b:1") }, "a.example": { auth: auth("me:secret") } } });
    assert.equal((await stat(stored.place)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(dirname(stored.place)), ["config.json"]);
    assert.deepEqual((await find("a.example"))?.credential, basic("me", "secret"));
    assert.equal(await eraseLogin("a.example", env, signal), true);
    assert.deepEqual(await config(), { psFormat: "x", auths: { "b.example": { auth: auth("b:1") } } });
    assert.equal(await eraseLogin("a.example", env, signal), false);
  });

  test("makes the file where there is none, and writes through a symbolic link", async () => {
    await storeLogin({ host: "docker.io", credential: { kind: "identity", token: "t" }, env }, signal);
    assert.deepEqual(await config(), { auths: { "https://index.docker.io/v1/": { identitytoken: "t" } } });
    await rm(join(home, ".docker"), { recursive: true });
    const real = await write("dotfiles/docker.json", {});
    await mkdir(join(home, ".docker"));
    await symlink(real, join(home, ".docker/config.json"));
    await storeLogin({ host: "a.example", credential: basic("me", "x"), env }, signal);
    assert.ok((await lstat(join(home, ".docker/config.json"))).isSymbolicLink());
    assert.ok((await readFile(real, "utf8")).includes("a.example"));
  });

  test("goes to the helper, and its secret not into the file", async () => {
    await addHelper("general");
    await write(".docker/config.json", { credsStore: "general" });
    assert.deepEqual(await storeLogin({ host: "a.example", credential: basic("me", "secret"), env }, signal), { place: "docker-credential-general", isPlainText: false });
    assert.deepEqual(await config(), { credsStore: "general", auths: { "a.example": {} } });
    assert.deepEqual((await find("a.example"))?.credential, basic("me", "secret"));
    assert.equal(await eraseLogin("a.example", env, signal), true);
    assert.equal(await find("a.example"), undefined);
    assert.deepEqual(await config(), { credsStore: "general", auths: {} });
  });

  test("has nowhere to go without a home", async () => {
    await assert.rejects(storeLogin({ host: "a.example", credential: basic("me", "x"), env: {} }, signal), CredentialError);
  });
});
