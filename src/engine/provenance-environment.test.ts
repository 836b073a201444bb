import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { defaultDirectories, provenanceEnvironment } from "./provenance-environment.ts";

let home = "";
let directory = "";
before(async () => void (home = await mkdtemp(join(tmpdir(), "stemma-provenance-env-"))));
after(() => rm(home, { recursive: true, force: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(home, "d-"));
});

const write = (name: string, text: string): Promise<void> => writeFile(join(directory, name), text);
const read = (): ReturnType<typeof provenanceEnvironment> => provenanceEnvironment(directory, {});

describe("what an operator adds to records", () => {
  test("is of all *.json files, in the order of their names; a later one replaces members as a whole", async () => {
    await write("b.json", '{"runner":{"name":"b"},"n":9007199254740993}');
    await write("a.json", '{"runner":{"name":"a","pool":"x"},"who":"me"}');
    await write("notes.txt", "none of it");
    await mkdir(join(directory, "c.json"));
    assert.deepEqual(await read(), { runner: { name: "b" }, who: "me", n: 9007199254740993n });
  });

  test("is nothing where there is no directory", async () => {
    assert.deepEqual(await provenanceEnvironment(join(directory, "none"), {}), {});
  });

  test("cannot be what is the builder's own", async () => {
    for (const key of ["buildConfig", "builderPlatform", "platform"]) {
      await write("a.json", JSON.stringify({ [key]: "x" }));
      await assert.rejects(read(), { name: "RequestError", code: "usage", message: new RegExp(`^key "${key}" is builtin and not allowed to be modified in provenance config`) });
    }
  });

  test("is refused where it is no JSON object, and the text is not repeated", async () => {
    for (const text of ["", "{", "[1]", '"s3cr3t-value"', "{s3cr3t-value}"]) {
      await write("bad.json", text);
      await assert.rejects(read(), (error: Error) => error.message.startsWith("failed to parse bad.json: ") && !error.message.includes("s3cr3t"));
    }
  });

  test("is refused where it cannot be read", { skip: process.getuid?.() === 0 ? "root reads everything" : false }, async () => {
    await write("a.json", "{}");
    await chmod(join(directory, "a.json"), 0);
    await assert.rejects(read(), { code: "usage", message: /a\.json/ });
  });

  test("is where the settings file says, relative to it, unless the caller names another place", async () => {
    const settings = join(directory, "stemma");
    await mkdir(join(settings, "env.d"), { recursive: true });
    await writeFile(join(settings, "stemma.toml"), 'provenanceEnvDir = "env.d"\n');
    await writeFile(join(settings, "env.d", "a.json"), '{"from":"settings"}');
    const env = { XDG_CONFIG_HOME: directory };
    assert.deepEqual(await provenanceEnvironment(undefined, env), { from: "settings" });
    await write("a.json", '{"from":"caller"}');
    assert.deepEqual(await provenanceEnvironment(directory, env), { from: "caller" });
    await writeFile(join(settings, "stemma.toml"), "provenanceEnvDir = 1\n");
    await assert.rejects(provenanceEnvironment(undefined, env), { code: "registry-config", message: /provenanceEnvDir is not a text/ });
  });

  test("is else where BuildKit looks, and for who is not root in their own directory first", () => {
    assert.deepEqual(defaultDirectories({ HOME: "/home/me" }, true), ["/etc/buildkit/provenance.d"]);
    assert.deepEqual(defaultDirectories({ HOME: "/home/me" }, false), ["/home/me/.config/buildkit/provenance.d", "/etc/buildkit/provenance.d"]);
    assert.deepEqual(defaultDirectories({ HOME: "/home/me", XDG_CONFIG_HOME: "/x" }, false), ["/x/buildkit/provenance.d", "/etc/buildkit/provenance.d"]);
    assert.deepEqual(defaultDirectories({}, false), ["/etc/buildkit/provenance.d"]);
  });
});
