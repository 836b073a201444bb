import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { openPlace, type CommandRun, type Place } from "./command.ts";
import { makeContext } from "./small-base.ts";

let place: Place;
let registry: DockerRegistry;
let context: string;

before(async () => {
  place = await openPlace();
  context = await makeContext(place, "app", { Dockerfile: "FROM scratch\nCOPY hello.txt /\n", "hello.txt": "hello\n" });
  if (dockerRegistrySkip === false) registry = await startDockerRegistry();
});

after(async () => {
  if (dockerRegistrySkip === false) await registry[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

async function succeeds(args: readonly string[]): Promise<CommandRun> {
  const run = await place.stemmaHere(args);
  assert.equal(run.exitCode, 0, run.stderr);
  return run;
}

const SLSA = "{{ json .Provenance.SLSA }}";

for (const attestStore of ["referrers", "both", "index"]) {
  test(`what --attest-store=${attestStore} has stored in a registry, inspect and trace find`, { skip: dockerRegistrySkip }, async () => {
    const image = `${registry.host}/${attestStore}:1`;
    const { stderr } = await succeeds(["build", "-t", image, "--push", `--attest-store=${attestStore}`, "--provenance=mode=max", context]);
    const digest = (JSON.parse((await succeeds(["imagetools", "inspect", "--format", "{{ json .Manifest }}", image])).stdout) as { readonly digest: string }).digest;
    const [evidence = "", next] = stderr.trimEnd().split("\n").slice(-2);
    assert.ok(evidence.startsWith(`${digest} (${image}): its evidence `), "the last lines say where the evidence is");
    assert.equal(next, `next: stemma trace ${image} --path PATH tells which line brought a file`);
    const { stdout } = await succeeds(["imagetools", "inspect", "--format", SLSA, image]);
    assert.match(stdout, /"buildType": "https:\/\/github\.com\/moby\/buildkit\//);
    assert.match((await succeeds(["trace", image, "--path", "/hello.txt"])).stdout, /COPY hello\.txt \//);
  });
}

test("what refers to the image of a layout is found in a directory and in a tar", async () => {
  for (const [output, path] of [["tar=false", "layout"], ["tar=true", "layout.tar"]] as const) {
    await succeeds(["build", "-o", `type=oci,dest=${join(place.path, path)},name=app:1,${output}`, "--attest-store=referrers", context]);
    const { stdout } = await succeeds(["imagetools", "inspect", "--format", SLSA, `oci-layout://${join(place.path, path)}`]);
    assert.match(stdout, /"buildType"/);
  }
});

test("a tag that names a plain manifest is an image ID as well, for scripts that wait for one", { skip: dockerRegistrySkip }, async () => {
  const image = `${registry.host}/lambda:1`;
  const { stdout } = await succeeds(["build", "-q", "-t", image, "--push", "--compat=lambda", context]);
  const { config } = JSON.parse((await succeeds(["imagetools", "inspect", "--raw", image])).stdout) as { readonly config: { readonly digest: string } };
  assert.equal(stdout, `${config.digest}\n`);
});
