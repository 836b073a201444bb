import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { openPlace, type Place } from "./command.ts";
import { makeContext } from "./small-base.ts";

let place: Place;
let registry: DockerRegistry;
let digest: string;
let contexts = 0;

/** `base:1`. */
before(async () => {
  if (dockerRegistrySkip !== false) return;
  place = await openPlace();
  registry = await startDockerRegistry();
  const files = await makeContext(place, "base", { Dockerfile: "FROM scratch\nCOPY file /\n", file: "base" });
  await ok(["-t", `${registry.host}/base:1`, "--push", files]);
  digest = (await place.stemmaHere(["imagetools", "inspect", `${registry.host}/base:1`, "--format", "{{.Manifest.Digest}}"])).stdout.trim();
});

after(async () => {
  if (dockerRegistrySkip !== false) return;
  await registry[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

async function ok(args: readonly string[]): Promise<string> {
  const { exitCode, stderr } = await place.stemmaHere(["build", ...args]);
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
  const { exitCode, stderr } = await place.stemmaHere(["build", "--progress=plain", ...args, context], { cwd: context, env });
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

  test("that is wrong stops the build with the place, before anything is read", async () => {
    const run = await build({ rules: "allow if no_such_function(input)" });
    assert.match(run.stderr, /ERROR: .*Dockerfile\.rego:6:10: rego_type_error: undefined function no_such_function$/m);
    assert.equal(run.exitCode, 1);
    assert.deepEqual(run.asked, []);
  });
});
