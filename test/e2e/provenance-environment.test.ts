import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openPlace, type Place } from "./command.ts";

const SECRET = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";
const PASSWORD = "correct-horse-7";

interface Statement {
  readonly predicate: {
    readonly buildDefinition?: { readonly internalParameters: Readonly<Record<string, unknown>> };
    readonly invocation?: { readonly environment: Readonly<Record<string, unknown>> };
    readonly runDetails?: { readonly metadata: { readonly stemma_redacted?: ReadonlyArray<{ readonly place: string }> } };
  };
}

async function prepared(place: Place, files: Readonly<Record<string, unknown>>): Promise<{ readonly context: string; readonly environment: string }> {
  const [context, environment] = [join(place.path, "context"), join(place.path, "environment")];
  await mkdir(context);
  await mkdir(environment);
  await writeFile(join(context, "Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
  for (const [name, content] of Object.entries(files)) await writeFile(join(environment, name), typeof content === "string" ? content : JSON.stringify(content));
  return { context, environment };
}

async function built(place: Place, context: string, ...args: readonly string[]): Promise<Statement> {
  const out = join(place.path, "out");
  const { exitCode, stderr } = await place.stemmaHere(["build", "-o", out, "--metadata-file", join(place.path, "metadata.json"), ...args, context]);
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(await readFile(join(out, "provenance.json"), "utf8")) as Statement;
}

test("what an operator puts in a directory is in each record, beside what is ours and in its order", async () => {
  await using place = await openPlace();
  const { context, environment } = await prepared(place, { "github.json": { runner: { os: "Linux", labels: ["a", "b"] }, github_run_id: "17" }, "more.json": { dockerfileVersion: "7" } });
  const v1 = await built(place, context, "--provenance=mode=min", "--provenance-env-dir=environment");
  const told = v1.predicate.buildDefinition?.internalParameters ?? {};
  assert.deepEqual(Object.keys(told), ["builderPlatform", "dockerfileVersion", "github_run_id", "runner"]);
  assert.deepEqual([told["github_run_id"], told["runner"], told["dockerfileVersion"]], ["17", { labels: ["a", "b"], os: "Linux" }, "7"]);

  const v02 = await built(place, context, "--provenance=mode=max,version=v0.2", `--provenance-env-dir=${environment}`);
  assert.deepEqual(v02.predicate.invocation?.environment["runner"], { labels: ["a", "b"], os: "Linux" });
  const metadata = JSON.parse(await readFile(join(place.path, "metadata.json"), "utf8")) as { readonly "buildx.build.provenance": Statement["predicate"] };
  assert.equal(metadata["buildx.build.provenance"].invocation?.environment["github_run_id"], "17");
});

test("the settings file names the directory, as buildkitd's does", async () => {
  await using place = await openPlace();
  const { context, environment } = await prepared(place, { "a.json": { who: "me" } });
  await mkdir(join(place.path, ".config/stemma"), { recursive: true });
  await writeFile(join(place.path, ".config/stemma/stemma.toml"), `provenanceEnvDir = ${JSON.stringify(environment)}\n`);
  assert.equal((await built(place, context, "--provenance=true")).predicate.buildDefinition?.internalParameters["who"], "me");
});

test("its secrets are masked, by their form and by the names that they have", async () => {
  await using place = await openPlace();
  const { context, environment } = await prepared(place, { "a.json": { note: `see ${SECRET}`, github: { api_token: PASSWORD, digest: SECRET, env: [{ password: PASSWORD }] }, echo: PASSWORD } });
  const statement = await built(place, context, "--provenance=mode=max", `--provenance-env-dir=${environment}`);
  const texts = [JSON.stringify(statement), await readFile(join(place.path, "metadata.json"), "utf8")];
  for (const text of texts) assert.ok(!text.includes(SECRET) && !text.includes(PASSWORD), text);
  const places = (statement.predicate.runDetails?.metadata.stemma_redacted ?? []).map((each) => each.place);
  assert.deepEqual(places.toSorted(), ["echo", "github.api_token", "github.digest", "github.env[0].password", "note"]);

  const refused = await place.stemmaHere(["build", "--secrets-in-evidence=refuse", "--provenance=true", "-o", join(place.path, "none"), `--provenance-env-dir=${environment}`, context]);
  assert.notEqual(refused.exitCode, 0);
  assert.match(refused.stderr, /github\.api_token/);
  assert.ok(!existsSync(join(place.path, "none")));
});

test("a build ends before it begins where the directory holds what it must not", async () => {
  await using place = await openPlace();
  const { context, environment } = await prepared(place, { "a.json": { platform: "linux/s390x" } });
  const run = async (): Promise<string> => {
    const { exitCode, stderr } = await place.stemmaHere(["build", "-o", join(place.path, "out"), `--provenance-env-dir=${environment}`, context]);
    assert.equal(exitCode, 64, stderr);
    assert.ok(!existsSync(join(place.path, "out")));
    return stderr;
  };
  assert.match(await run(), /key "platform" is builtin and not allowed to be modified in provenance config/);
  await writeFile(join(environment, "a.json"), "{");
  assert.match(await run(), /failed to parse a\.json/);
});
