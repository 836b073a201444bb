import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { openPlace, type Place } from "./command.ts";
import { makeContext } from "./small-base.ts";

let place: Place;
let registry: DockerRegistry;
let digest: string;
let contexts = 0;

/** `base:1` and `base:2`, of which only the first has an owner. */
before(async () => {
  if (dockerRegistrySkip !== false) return;
  place = await openPlace();
  registry = await startDockerRegistry();
  const files = await makeContext(place, "base", { Dockerfile: "FROM scratch\nCOPY file /\nARG OWNER\nLABEL owner=$OWNER\n", file: "base" });
  for (const [tag, owner] of [["1", "us"], ["2", "them"]]) await ok(["-t", `${registry.host}/base:${tag}`, "--push", "--build-arg", `OWNER=${owner}`, "--iidfile", join(place.path, `iid-${tag}`), files]);
  digest = (await place.stemma(["imagetools", "inspect", `${registry.host}/base:1`, "--format", "{{.Manifest.Digest}}"])).stdout.trim();
});

after(async () => {
  if (dockerRegistrySkip !== false) return;
  await registry[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

async function ok(args: readonly string[]): Promise<string> {
  const { exitCode, stderr } = await place.stemma(["build", ...args]);
  assert.equal(exitCode, 0, stderr);
  return stderr;
}

/** A policy that allows what is local, and what the rules say. */
function policy(rules: string): string {
  return `package docker\n\ndefault allow := false\n\nallow if input.local\n${rules}\n\ndecision := {"allow": allow, "deny_msg": deny_msg}\n\ndeny_msg contains "ask the platform team" if not allow\n`;
}

interface Case {
  readonly rules?: string;
  readonly dockerfile?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Builds with a policy beside the Dockerfile, and tells what the registry was asked. */
async function build({ rules, dockerfile = `FROM ${registry.host}/base:1\nCOPY own /\n`, files = {}, args = [], env = {} }: Case): Promise<{ readonly exitCode: number; readonly stderr: string; readonly asked: readonly string[] }> {
  const before = (await registry.requests()).length;
  const context = await makeContext(place, `context-${contexts++}`, { Dockerfile: dockerfile, own: "own", ...(rules === undefined ? {} : { "Dockerfile.rego": policy(rules) }), ...files });
  const { exitCode, stderr } = await place.stemma(["build", "--progress=plain", ...args, context], { cwd: context, env });
  return { exitCode, stderr, asked: (await registry.requests()).slice(before) };
}

function denied({ exitCode, stderr }: { readonly exitCode: number; readonly stderr: string }, source: RegExp): void {
  assert.match(stderr.trimEnd().split("\n").at(-1) ?? "", source);
  assert.match(stderr, /not allowed by policy: action DENY$/m);
  assert.equal(exitCode, 1, stderr);
}

describe("a policy beside the Dockerfile", { skip: dockerRegistrySkip }, () => {
  test("is asked without a flag, stops the build with buildx's words, and nothing is fetched of what it denies", async () => {
    const run = await build({ rules: 'allow if input.image.repo == "alpine"' });

    denied(run, /^ERROR: failed to build: failed to solve: .*could not resolve image due to policy: source "docker-image:\/\/127\.0\.0\.1:\d+\/base:1" not allowed by policy: action DENY$/);
    assert.match(run.stderr, /^Policy: ask the platform team$/m);
    assert.match(run.stderr, /^#\d+ loading policies Dockerfile\.rego$/m);
    assert.deepEqual(run.asked, []);
  });

  test("that allows lets the build through, and sees the image as it is resolved", async () => {
    const run = await build({ rules: `allow if { input.image.fullRepo == "${registry.host}/base"; input.image.tag == "1"; input.image.host == "${registry.host}"; input.image.os == "linux" }` });
    assert.equal(run.exitCode, 0, run.stderr);
    // Asked as it is written, and again when it has a digest.
    assert.match(run.stderr, /policy decision for source docker-image:\/\/\S+\/base:1 \(linux\/\w+\): ALLOW/);
    assert.match(run.stderr, new RegExp(`policy decision for source docker-image://\\S+/base:1@${digest} .*: ALLOW`));
  });

  test("gets labels and digests only when it asks for them", async () => {
    const rules = 'allow if input.image.labels.owner == "us"';
    const allowed = await build({ rules });
    assert.equal(allowed.exitCode, 0, allowed.stderr);
    assert.match(allowed.stderr, /resolve missing fields \[labels\]/);
    denied(await build({ rules, dockerfile: `FROM ${registry.host}/base:2\n` }), /base:2/);
    assert.equal((await build({ rules: `allow if input.image.checksum == "${digest}"` })).exitCode, 0);
  });

  test("holds an image to a digest with pin_image", async () => {
    const rules = `allow if { input.image.repo; pin_image(input.image, "${digest}") }`;
    const run = await build({ rules, dockerfile: `FROM ${registry.host}/base:2\n`, args: ["-t", "pinned:1", "-o", `type=oci,tar=false,dest=${join(place.path, "pinned")}`] });
    assert.equal(run.exitCode, 0, run.stderr);
    assert.match(run.stderr, new RegExp(`convert to docker-image://\\S+/base:2@${digest}$`, "m"));
  });

  test("knows the request: arguments, labels, target and the Dockerfile's name", async () => {
    const rules = 'allow if { input.env.args.WHO == "me"; input.env.labels.l == "1"; input.env.target == "last"; input.env.filename == "Dockerfile"; input.env.depth == 0 }';
    const dockerfile = `FROM ${registry.host}/base:1 AS last\nARG WHO\n`;
    const args = ["--label", "l=1", "--target", "last"];
    assert.equal((await build({ rules, dockerfile, args: [...args, "--build-arg", "WHO=me"] })).exitCode, 0);
    denied(await build({ rules, dockerfile, args: [...args, "--build-arg", "WHO=you"] }), /base:1/);
  });

  test("that is wrong stops the build with the place, before anything is read", async () => {
    const run = await build({ rules: "allow if no_such_function(input)" });
    assert.match(run.stderr, /ERROR: .*Dockerfile\.rego:6:10: rego_type_error: undefined function no_such_function$/m);
    assert.equal(run.exitCode, 1);
    assert.deepEqual(run.asked, []);
  });

  test("that asks for what cannot be told stops the build, and does not pass for one that allows", async () => {
    for (const [rules, says] of [
      ["allow if not input.image.signatures", /asks for input\.image\.signatures, which cannot be told: signatures of images are not verified/],
      ["allow if not input.image.hasProvenance", /input\.image\.hasProvenance, which cannot be told/],
      ['allow if not docker_github_builder(input.image, "docker/app")', /input\.image\.signatures, which cannot be told/],
      ['allow if not verify_git_signature(input.image, "key.asc")', /calls verify_git_signature, which is not supported/],
    ] as const) {
      const run = await build({ rules });
      assert.match(run.stderr, says);
      assert.equal(run.exitCode, 1, rules);
    }
  });
});
