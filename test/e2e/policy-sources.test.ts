import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { build, type BuildRequest } from "../../src/doors/build.ts";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { gitServerSkip, startGitServer } from "../../src/testing/git-server.ts";
import { serve } from "../../src/testing/http-fixture.ts";

const path = mkdtempSync(join(tmpdir(), "stemma-policy-"));
const env = { PATH: process.env["PATH"] ?? "", HOME: path };
const sha256 = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;
let directories = 0;

after(() => rm(path, { recursive: true, force: true }));

async function directory(files: Readonly<Record<string, string>>): Promise<string> {
  const made = join(path, `files-${directories++}`);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(made, name)), { recursive: true });
    await writeFile(join(made, name), content);
  }
  return made;
}

/** Allows what is local, and what the rules say. */
function policy(rules: string): string {
  return `package docker\ndefault allow := false\nallow if input.local.name in {"context", "dockerfile"}\n${rules}\ndecision := {"allow": allow}\n`;
}

interface Attempt {
  /** Undefined where the build went through. */
  readonly failure: string | undefined;
  /** What the steps printed. */
  readonly log: string;
  readonly out: string;
}

interface PolicyBuild extends Partial<Omit<BuildRequest, "root">> {
  readonly dockerfileText?: string;
  readonly rules?: string;
  readonly files?: Readonly<Record<string, string>>;
}

async function attempt({ dockerfileText = "FROM scratch\nCOPY own /\n", rules, files = {}, ...request }: PolicyBuild): Promise<Attempt> {
  const context = await directory({ Dockerfile: dockerfileText, own: "own", ...(rules === undefined ? {} : { "Dockerfile.rego": policy(rules) }), ...files });
  const out = join(path, `out-${directories++}`);
  const run = build({ context, env, outputs: [`type=local,dest=${out}`], provenance: "mode=max,inline-only=false", ...request, root: join(path, "state") });
  let log = "";
  run.result.catch(() => undefined);
  for await (const event of run.events) if (event.kind === "step-output") log += Buffer.from(event.bytes).toString();
  const failure = await run.result.then(() => undefined, (error: unknown) => (error instanceof Error ? error.message : String(error)));
  return { failure, log, out };
}

async function allowed(request: PolicyBuild): Promise<Attempt> {
  const made = await attempt(request);
  assert.equal(made.failure, undefined, made.log);
  return made;
}

async function denied(request: PolicyBuild, source: RegExp): Promise<Attempt> {
  const made = await attempt(request);
  assert.match(made.failure ?? "", /not allowed by policy: action DENY$/, made.log);
  assert.match(made.failure ?? "", source);
  return made;
}

interface Predicate {
  readonly buildDefinition: { readonly resolvedDependencies?: ReadonlyArray<{ readonly uri: string; readonly digest: Readonly<Record<string, string>> }> };
  readonly runDetails: { readonly metadata: { readonly stemma_policies?: readonly unknown[] } };
}

async function provenance({ out }: Attempt): Promise<Predicate> {
  // The statement is BuildKit's; the parts that are looked at are named above.
  return (JSON.parse(await readFile(join(out, "provenance.json"), "utf8")) as { predicate: Predicate }).predicate;
}

test("directories are asked about by name: the context, and each that has one of its own", async () => {
  const other = await directory({ file: "x" });
  const request = { dockerfileText: "FROM scratch\nCOPY --from=other file /\n", buildContexts: { other } };
  await denied({ ...request, rules: "" }, /source "local:\/\/other"/);
  await allowed({ ...request, rules: 'allow if input.local.name == "other"' });
  // No step has run, and nothing of the context was read.
  const made = await attempt({ files: { "Dockerfile.rego": 'package docker\ndefault allow := false\nallow if input.local.name == "dockerfile"\ndecision := {"allow": allow}\n' } });
  assert.match(made.failure ?? "", /error evaluating the source policy: source "local:\/\/context" not allowed by policy: action DENY$/);
});

test("web files are asked about by their address, and fetched before only for their digest", async () => {
  const asked: string[] = [];
  await using web = await serve((request, response) => {
    asked.push(request.url ?? "");
    response.end("hello");
  });
  const dockerfileText = `FROM scratch\nADD ${web.origin}/a/file?v=1 /\n`;
  await denied({ dockerfileText, rules: 'allow if input.http.host == "example.com"' }, /source "http:\/\/127\.0\.0\.1:\d+\/a\/file\?v=1"/);
  assert.deepEqual(asked, []);
  await allowed({ dockerfileText, rules: 'allow if { input.http.path == "/a/file"; input.http.query.v == ["1"]; input.http.schema == "http" }' });
  await allowed({ dockerfileText, rules: `allow if input.http.checksum == "${sha256("hello")}"` });
  await denied({ dockerfileText, rules: `allow if input.http.checksum == "${sha256("other")}"` }, /file\?v=1/);
});

test("repositories are asked about by branch and commit; the policy of a context that is one is in it", { skip: gitServerSkip }, async () => {
  await using server = await startGitServer();
  const rules = "allow if { input.git.branch == \"main\"; input.git.commitChecksum; input.git.host in known.hosts; load_json(\"ok.json\").ok }";
  const repository = await server.repository("r.git", {
    Dockerfile: "FROM scratch\nCOPY own /\n", own: "1", "ok.json": '{"ok": true}', "lib/known.rego": `package any\nhosts := {"127.0.0.1:${server.port}"}\n`,
    "Dockerfile.rego": `package docker\nimport data.lib.known\ndefault allow := false\n${rules}\ndecision := {"allow": allow}\n`,
  });
  const commit = (await repository.git("rev-parse", "HEAD")).trim();
  await repository.git("branch", "other");
  await allowed({ context: `${server.url}/r.git` });
  await denied({ context: `${server.url}/r.git#other` }, /r\.git#other"/);
  const dockerfileText = `FROM scratch\nADD ${server.url}/r.git#other /\n`;
  await allowed({ dockerfileText, rules: `allow if input.git.checksum == "${commit}"` });
  await denied({ dockerfileText, rules: 'allow if input.git.branch == "main"' }, /r\.git#other"/);
});

test("flags add policies, take them away, and let all of them decide", async () => {
  const files = { "Dockerfile.rego": policy(""), "more.rego": policy(""), "no.rego": 'package docker\ndecision := {"allow": false}\n', "app.Dockerfile": "FROM scratch\nCOPY own /\n", "app.Dockerfile.rego": 'package docker\ndecision := {"allow": false}\n' };
  await allowed({ files, policies: ["filename=more.rego"] });
  await denied({ files, policies: ["filename=more.rego", "filename=no.rego"] }, /local/);
  await denied({ files: { ...files, "Dockerfile.rego": files["no.rego"] }, policies: ["filename=more.rego"] }, /local/);
  await allowed({ files: { ...files, "Dockerfile.rego": files["no.rego"] }, policies: ["reset=true,filename=more.rego"] });
  await allowed({ files: { ...files, "Dockerfile.rego": files["no.rego"] }, policies: ["disabled=true"] });
  const context = await directory({ Dockerfile: "FROM scratch\n", ...files });
  await denied({ context, dockerfile: join(context, "app.Dockerfile") }, /local:\/\/dockerfile/);
  const { log } = await allowed({ files, policies: ["log-level=warn"] });
  assert.equal(log, "");
  await denied({ policies: ["filename=cwd://no.rego"], workingDirectory: await directory(files) }, /local/);
});

let registry: DockerRegistry;
let layout: string;
const digests = new Map<string, string>();

/** `base:a` and `base:b`, and the first as a layout; `base:bare` has no provenance. */
before(async () => {
  if (dockerRegistrySkip !== false) return;
  registry = await startDockerRegistry();
  layout = join(path, "layout");
  for (const tag of ["a", "b", "bare"]) {
    const context = await directory({ Dockerfile: `FROM scratch\nCOPY own /\nLABEL owner=${tag}\n`, own: tag });
    const request = { context, env, root: join(path, "state") };
    const { image } = await build({ ...request, tags: [`${registry.host}/base:${tag}`], push: true, provenance: tag === "bare" ? "false" : "mode=min" }).result;
    if (tag === "a") await build({ ...request, outputs: [`type=oci,tar=false,dest=${layout}`] }).result;
    digests.set(tag, image?.digest ?? "");
  }
});
after(async () => {
  if (dockerRegistrySkip === false) await registry[Symbol.asyncDispose]();
});

const from = (tag: string): PolicyBuild => ({ dockerfileText: `FROM ${registry.host}/base:${tag} AS last\nARG WHO\n` });

describe("images", { skip: dockerRegistrySkip }, () => {
  test("are told by labels and digests to a policy that asks for them", async () => {
    const rules = 'allow if input.image.labels.owner == "a"';
    const { log } = await allowed({ ...from("a"), rules });
    assert.match(log, /resolve missing fields \[image\.labels\]/);
    await denied({ ...from("b"), rules }, /base:b/);
    // To show an image is not to ask for more of it.
    const shown = await allowed({ ...from("a"), rules: 'allow if { input.image.tag == "a"; print("seen", input) }' });
    assert.doesNotMatch(shown.log, /missing fields/);
    assert.match(shown.log, /^Dockerfile\.rego:4:\d+: seen \{"env": \{.*"image": \{.*"tag": "a"\}\}$/m);
    await allowed({ ...from("a"), rules: "allow if input.image.hasProvenance" });
    await denied({ ...from("bare"), rules: "allow if input.image.hasProvenance" }, /base:bare/);
    await allowed({ ...from("a"), rules: `allow if input.image.checksum == "${digests.get("a")}"` });
    await denied({ ...from("b"), rules: `allow if input.image.checksum == "${digests.get("a")}"` }, /base:b/);
  });

  test("are held to a digest by pin_image, and the record has what was used", async () => {
    const rules = `allow if { input.image.repo; pin_image(input.image, "${digests.get("a")}") }`;
    const pinned = await allowed({ ...from("b"), rules });
    assert.equal(await readFile(join(pinned.out, "own"), "utf8"), "a");
    const { resolvedDependencies } = (await provenance(pinned)).buildDefinition;
    assert.deepEqual(resolvedDependencies?.map(({ digest }) => `sha256:${digest["sha256"]}`), [digests.get("a")]);
  });

  test("are decided on by what the request says", async () => {
    const rules = 'allow if { input.env.args.WHO == "me"; input.env.labels.l == "1"; input.env.target == "last"; input.env.filename == "Dockerfile"; input.env.depth == 0 }';
    const request = { ...from("a"), rules, labels: { l: "1" }, target: "last" };
    await allowed({ ...request, buildArgs: { WHO: "me" } });
    await denied({ ...request, buildArgs: { WHO: "you" } }, /base:a/);
  });

  test("have no value of what is only known of web files, as with buildx", async () => {
    await allowed({ ...from("a"), rules: 'allow if not github_attestation(input.image, "a/b")' });
    await denied({ ...from("a"), rules: 'allow if github_attestation(input.image, "a/b")' }, /base:a/);
  });

  test("of named contexts are asked about, those of an OCI layout too, under a name that no registry has", async () => {
    const dockerfileText = "FROM base\n";
    const image = { dockerfileText, buildContexts: { base: `docker-image://${registry.host}/base:a` } };
    await denied({ ...image, rules: 'allow if input.image.repo == "base"' }, /\/base:a"/);
    await allowed({ ...image, rules: 'allow if input.image.tag == "a"' });
    const local = { dockerfileText, buildContexts: { base: `oci-layout://${layout}` } };
    await denied({ ...local, rules: 'allow if input.image.repo == "base"\nallow if input.image.host == "docker.io"' }, /source "oci-layout:\/\//);
    await allowed({ ...local, rules: 'allow if { input.image.repo == "oci-layout://base"; input.image.isCanonical; input.image.os == "linux" }' });
  });

  test("of frontends and of SBOM generators are asked about", async () => {
    await denied({ dockerfileText: `# syntax=${registry.host}/base:a\nFROM scratch\n`, rules: "" }, /\/base:a"/);
    await denied({ dockerfileText: "# syntax=docker/dockerfile:1\nFROM scratch\n", rules: "" }, /docker\.io\/docker\/dockerfile:1"/);
    await denied({ sbom: `generator=${registry.host}/base:b`, rules: "" }, /\/base:b"/);
  });
});

describe("the record", { skip: dockerRegistrySkip }, () => {
  test("names the policies that were asked, with what they import and what they read", async () => {
    const files = { "lib/known.rego": "package any\ntags := {\"a\"}\n", "more/deep.rego": "package any\n", "ok.json": '{"ok": true}', "Dockerfile.rego": "" };
    files["Dockerfile.rego"] = `package docker\nimport data.lib.known\n${policy('allow if { input.image.tag in known.tags; load_json("ok.json").ok; not load_json("none.json") }').replace("package docker\n", "")}`;
    const { runDetails } = await provenance(await allowed({ dockerfileText: `FROM ${registry.host}/base:a\n`, files }));
    const record = (kind: string, name: "lib/known.rego" | "ok.json" | "Dockerfile.rego"): unknown => ({ kind, digest: { sha256: sha256(files[name]).slice("sha256:".length) } });
    const told = runDetails.metadata.stemma_policies?.map((each) => each as { readonly kind: string; readonly name: string; readonly digest: unknown });
    assert.deepEqual(told?.map(({ kind, digest }) => ({ kind, digest })), [record("rego", "Dockerfile.rego"), record("rego", "lib/known.rego"), record("data", "ok.json")]);
    assert.deepEqual(told?.slice(1).map(({ name }) => name), ["lib/known.rego", "ok.json"]);
  });

  test("has what a source policy put in the place of what it converts; what it denies is not read", async () => {
    const used = async (rules: readonly unknown[], request: PolicyBuild): Promise<Attempt> => {
      const file = join(await directory({ "policy.json": JSON.stringify({ rules }) }), "policy.json");
      return await attempt({ ...request, env: { ...env, EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: file } });
    };
    const all = { action: "DENY", selector: { identifier: `docker-image://${registry.host}/*` } };
    const one = { action: "ALLOW", selector: { identifier: `^docker-image://.*/base:a(@.*)?$`, match_type: "REGEX" } };
    assert.match((await used([one, all], from("a"))).failure ?? "", /could not resolve image due to policy: source "docker-image:\/\/\S+\/base:a" denied by policy: source denied by policy$/);
    assert.equal((await used([all, one], from("a"))).failure, undefined);

    const converted = await used([{ action: "CONVERT", selector: { identifier: "docker-image://docker.io/library/base:*" }, updates: { identifier: `docker-image://${registry.host}/base:\${1}` } }], { dockerfileText: "FROM base:b\n" });
    assert.equal(converted.failure, undefined);
    assert.equal(await readFile(join(converted.out, "own"), "utf8"), "b");
    const { buildDefinition, runDetails } = await provenance(converted);
    assert.deepEqual(buildDefinition.resolvedDependencies?.map(({ uri }) => uri.replace(/\?.*$/, "")), [`pkg:docker/${encodeURIComponent(registry.host)}/base@b`]);
    assert.equal(runDetails.metadata.stemma_policies?.length, 1);

    await using web = await serve((_request, response) => void response.end("hello"));
    const checksum = (digest: string): readonly unknown[] => [{ action: "CONVERT", selector: { identifier: `${web.origin}/*` }, updates: { identifier: `${web.origin}/\${1}`, attrs: { "http.checksum": digest } } }];
    const add = { dockerfileText: `FROM scratch\nADD ${web.origin}/f /\n` };
    assert.equal((await used(checksum(sha256("hello")), add)).failure, undefined);
    assert.match((await used(checksum(sha256("other")), add)).failure ?? "", /digest mismatch/);
    assert.match((await used([{ action: "DNY", selector: { identifier: "*" } }], add)).failure ?? "", /failed to parse source policy .*rules\[0\]\.action: "DNY" is none of ALLOW, DENY, CONVERT/);
  });
});
