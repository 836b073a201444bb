import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { gitServerSkip, startGitServer, type GitRepository, type GitServer } from "../../src/testing/git-server.ts";
import { openPlace, type Place } from "./command.ts";
import { makeContext } from "./small-base.ts";

const skip = dockerRegistrySkip === false ? gitServerSkip : dockerRegistrySkip;
let place: Place;
let registry: DockerRegistry;
let server: GitServer;
let repository: GitRepository;
let files: string;

const POLICY = `package docker
default allow := false
allow if input.local
allow if input.image.labels.owner == "me"
allow if input.git.commit.message == "first"
deny_msg contains "first" if not allow
deny_msg contains "second" if not allow
decision := {"allow": allow, "deny_msg": deny_msg} if print("asked", input.env.filename)
`;

/** `r:mine` of `r:base`. */
before(async () => {
  if (skip !== false) return;
  [place, registry, server] = [await openPlace(), await startDockerRegistry(), await startGitServer()];
  repository = await server.repository("r.git", { own: "1" });
  files = await makeContext(place, "policies", { "Dockerfile.rego": POLICY, "quiet.rego": 'package docker\ndecision := {"allow": false}\n', "bad.rego": "package docker\nno\n" });
  for (const [tag, dockerfile] of [["base", "FROM scratch\nCOPY own /\n"], ["mine", `FROM ${registry.host}/r:base\nARG WHO\nLABEL owner=me\nWORKDIR /w\n`]] as const) {
    const context = await makeContext(place, tag, { Dockerfile: dockerfile, own: tag });
    const { exitCode, stderr } = await place.stemmaHere(["build", "--platform=linux/amd64", "--build-arg=WHO=me", "--provenance=mode=max,builder-id=https://b.example", "-t", `${registry.host}/r:${tag}`, "--push", context]);
    assert.equal(exitCode, 0, stderr);
  }
});
after(async () => {
  if (skip !== false) return;
  await registry[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

async function evaluate(...args: readonly string[]): ReturnType<Place["stemma"]> {
  return await place.stemmaHere(["policy", "eval", ...args], { cwd: files });
}

const image = (tag: string): string => `docker-image://${registry.host}/r:${tag}`;

describe("policy eval", { skip }, () => {
  test("asks a policy about one source, and says with its status and buildx's words what that is", async () => {
    for (const args of [["."], [image("mine")], [`${server.url}/r.git`], ["--builder=default", "--filename=Dockerfile", "."]]) assert.deepEqual(await evaluate(...args), { exitCode: 0, stdout: "", stderr: "" }, args.join(" "));
    for (const source of [image("base"), "https://example.com/file"]) assert.deepEqual(await evaluate(source), { exitCode: 1, stdout: "", stderr: "ERROR: policy denied: first; second\n" });
    assert.deepEqual(await evaluate("-f", "quiet", "."), { exitCode: 1, stdout: "", stderr: "ERROR: policy denied\n" });
    const { stderr } = await evaluate("-D", image("mine"));
    assert.match(stderr, /resolve missing fields \[image\.labels\][\s\S]*Dockerfile\.rego:8:\d+: asked Dockerfile$/m);
  });

  test("tells what cannot be asked", async () => {
    for (const [args, says, status] of [
      [["-f", "none", "."], /^ERROR: failed to read policy file none\.rego: .*no such file/, 66], [["nothing"], /^ERROR: invalid local path nothing: no such file or directory/, 66],
      [["-f", "bad", "."], /^ERROR: .*bad\.rego:2:\d+: rego_/, 1], [[], /takes one source, not 0/, 64], [["--platform=x/y/z/q", image("base")], /invalid platform "x\/y\/z\/q"/, 64],
      [[image("none")], /r:none: not found/, 69],
    ] as const) {
      const { exitCode, stderr } = await evaluate(...args);
      assert.match(stderr, says);
      assert.equal(exitCode, status, stderr);
    }
  });

  test("--print shows what a policy would see, and looks up what --fields names", async () => {
    const shown = async (...args: readonly string[]): Promise<{ readonly input: unknown; readonly stderr: string }> => {
      const { exitCode, stdout, stderr } = await evaluate("--print", ...args);
      assert.equal(exitCode, 0, stderr);
      return { input: JSON.parse(stdout), stderr };
    };
    assert.deepEqual(await shown("."), { input: { local: { name: "context" } }, stderr: "" });
    const name = { ref: `${registry.host}/r:mine`, host: registry.host, repo: `${registry.host}/r`, fullRepo: `${registry.host}/r`, tag: "mine", platform: "linux/amd64", os: "linux", arch: "amd64" };
    const bare = await shown("--platform=linux/amd64", image("mine"));
    assert.deepEqual(bare, { input: { image: name }, stderr: "INFO: unresolved fields: image.checksum, image.env, image.hasProvenance, image.labels, image.provenance, image.signatures, image.user, image.volumes, image.workingDir\n" });
    const whole = await shown("--platform=linux/amd64", "--fields=image.labels,image.nothing", "--fields", "input.image.provenance.materials[0].image.user", image("mine"));
    assert.equal(whole.stderr, "WARNING: invalid fields: image.nothing\n");
    const { image: told } = whole.input as { readonly image: Readonly<Record<string, unknown>> };
    const { provenance, checksum, createdTime, ...rest } = told as typeof told & { readonly provenance: Readonly<Record<string, unknown>> };
    assert.match(String(checksum), /^sha256:/);
    assert.match(String(createdTime), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.deepEqual(rest, { ...name, env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], labels: { owner: "me" }, workingDir: "/w", hasProvenance: true });
    assert.deepEqual(provenance["buildArgs"], { WHO: "me" });
    const [material] = provenance["materials"] as ReadonlyArray<{ readonly image: Readonly<Record<string, unknown>> }>;
    assert.equal(material?.image["tag"], "base");
    assert.deepEqual(Object.keys(provenance), ["predicateType", "buildType", "builderID", "invocationID", "startedOn", "finishedOn", "configSource", "frontend", "buildArgs", "rawArgs", "reproducible", "hermetic", "completeness", "materials"]);
    const { input } = await shown("--fields=git.commit", `${server.url}/r.git#main`);
    const { git } = input as { readonly git: Readonly<Record<string, unknown>> };
    assert.deepEqual([git["branch"], git["fullURL"], git["remote"], (git["commit"] as { readonly tree: unknown }).tree], ["main", `${server.url}/r.git#main`, `${server.url}/r.git`, await repository.git("rev-parse", "main^{tree}")]);
  });
});
