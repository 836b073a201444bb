import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { build, type BuildRequest } from "../../src/doors/build.ts";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { serve, type HttpFixture } from "../../src/testing/http-fixture.ts";

const path = mkdtempSync(join(tmpdir(), "stemma-policy-images-"));
const env = { PATH: process.env["PATH"] ?? "", HOME: path };
let directories = 0;
let registry: DockerRegistry;
let web: HttpFixture;

async function directory(files: Readonly<Record<string, string>>): Promise<string> {
  const made = join(path, `files-${directories++}`);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(made, name)), { recursive: true });
    await writeFile(join(made, name), content);
  }
  return made;
}

async function publish(tag: string, dockerfile: string, request: Partial<Omit<BuildRequest, "root">> = {}): Promise<string> {
  const context = await directory({ Dockerfile: dockerfile, own: tag });
  const { image } = await build({ context, env, root: join(path, "state"), tags: [`${registry.host}/r:${tag}`], push: true, ...request }).result;
  return image?.digest ?? "";
}

let base = "";
before(async () => {
  if (dockerRegistrySkip !== false) return;
  registry = await startDockerRegistry();
  web = await serve((_, response) => void response.end("hello"));
  base = await publish("base", "FROM scratch\nCOPY own /\nLABEL owner=base\n", { provenance: "mode=min" });
  await publish("bare", "FROM scratch\nCOPY own /\n", { provenance: "false" });
  const top = `FROM ${registry.host}/r:base\nARG WHO\nADD ${web.origin}/file /\nLABEL owner=top\n`;
  const request = { buildArgs: { WHO: "me" }, platforms: ["linux/amd64"] };
  await publish("v1", top, { ...request, provenance: "mode=max,version=v1,builder-id=https://builder.example/1" });
  await publish("v02", top, { ...request, provenance: "mode=max,version=v0.2,builder-id=https://builder.example/2" });
  await publish("top", `FROM ${registry.host}/r:v1\nCOPY own /top\n`, { ...request, provenance: "mode=max" });
});
after(async () => {
  if (dockerRegistrySkip === false) {
    await registry[Symbol.asyncDispose]();
    await web[Symbol.asyncDispose]();
  }
  await rm(path, { recursive: true, force: true });
});

interface Attempt {
  readonly failure: string | undefined;
  readonly log: string;
}

async function attempt(tag: string, rules: string, environment: Readonly<Record<string, string>> = {}): Promise<Attempt> {
  const policy = `package docker\ndefault allow := false\nallow if input.local\nallow if {\n${rules}\n}\ndecision := {"allow": allow}\n`;
  const context = await directory({ Dockerfile: `FROM --platform=linux/amd64 ${registry.host}/r:${tag}\n`, "Dockerfile.rego": policy });
  const run = build({ context, env: { ...env, ...environment }, outputs: ["type=cacheonly"], policies: ["log-level=debug"], root: join(path, "state") });
  let log = "";
  run.result.catch(() => undefined);
  for await (const event of run.events) if (event.kind === "step-output") log += Buffer.from(event.bytes).toString();
  return { log, failure: await run.result.then(() => undefined, (error: unknown) => (error instanceof Error ? error.message : String(error))) };
}

async function allowed(tag: string, rules: string, environment?: Readonly<Record<string, string>>): Promise<Attempt> {
  const made = await attempt(tag, rules, environment);
  assert.equal(made.failure, undefined, `${rules}\n${made.log}`);
  return made;
}

async function denied(tag: string, rules: string, environment?: Readonly<Record<string, string>>): Promise<Attempt> {
  const made = await attempt(tag, rules, environment);
  assert.match(made.failure ?? "", /not allowed by policy: action DENY$/, `${rules}\n${made.log}`);
  return made;
}

describe("a policy sees what an image's provenance says", { skip: dockerRegistrySkip }, () => {
  test("of its builder, its build and its arguments, in both versions of the format", async () => {
    for (const [tag, rules] of [
      ["v1", 'p.predicateType == "https://slsa.dev/provenance/v1"\np.builderID == "https://builder.example/1"\np.completeness == {"parameters": true, "materials": false}'],
      ["v02", 'p.predicateType == "https://slsa.dev/provenance/v0.2"\np.builderID == "https://builder.example/2"\np.completeness == {"parameters": true, "environment": true, "materials": false}'],
    ] as const) {
      const { log } = await allowed(tag, `p := input.image.provenance\n${rules}\np.frontend == "dockerfile.v0"\np.configSource.path == "Dockerfile"\np.buildArgs == {"WHO": "me"}
p.rawArgs["build-arg:WHO"] == "me"\np.reproducible == false\np.hermetic == false\ntime.parse_rfc3339_ns(p.startedOn) <= time.now_ns()\ncount(p.materials) == 2`);
      assert.match(log, /resolve missing fields \[image\.provenance\]/);
      await denied(tag, 'input.image.provenance.builderID == "https://builder.example/3"');
    }
    await allowed("bare", "not input.image.provenance\nnot input.image.hasProvenance");
    await denied("bare", "input.image.provenance.builderID");
    // Records of mode=min have no arguments.
    await allowed("base", "input.image.provenance.buildType\nnot input.image.provenance.buildArgs");
  });

  test("of what it was made of, which is asked about like any source, also what that was made of", async () => {
    const materials = `m := input.image.provenance.materials\nsome image in m\nimage.image.repo == "${registry.host}/r"\nimage.image.tag == "base"\nimage.image.checksum == "${base}"\nimage.env.depth == 1
some file in m\nfile.http.url == "${web.origin}/file"`;
    await allowed("v1", materials);
    await allowed("v02", materials);
    const { log } = await allowed("v1", `some m in input.image.provenance.materials\nm.image.labels.owner == "base"`);
    assert.match(log, /resolve missing fields \[image\.provenance\.materials\[0\]\.image\.labels\]/);
    await denied("v1", `some m in input.image.provenance.materials\nm.image.labels.owner == "other"`);
    await allowed("top", `some m in input.image.provenance.materials\nsome n in m.image.provenance.materials\nn.image.labels.owner == "base"\nn.env.depth == 2\nn.env.filename == "Dockerfile"`);
    await denied("top", `some m in input.image.provenance.materials\nsome n in m.image.provenance.materials\nn.image.labels.owner == "top"`);
  });
});
