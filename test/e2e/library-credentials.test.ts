import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { build, BuildError, type BuildRequest, type Credential, type FoundCredential } from "../../src/doors/build.ts";
import { DOCKER_REGISTRY_USER, dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { registryTags } from "./registry-tags.ts";
import { openWorkshop, type Workshop } from "./workshop.ts";

let workshop: Workshop;
let registry: DockerRegistry;

before(async () => {
  if (dockerRegistrySkip !== false) return;
  workshop = await openWorkshop();
  registry = await startDockerRegistry({ auth: "basic" });
});

after(async () => {
  if (dockerRegistrySkip !== false) return;
  await registry[Symbol.asyncDispose]();
  await workshop[Symbol.asyncDispose]();
});

const RIGHT: Credential = { kind: "basic", ...DOCKER_REGISTRY_USER };
const WRONG: Credential = { kind: "basic", username: "mallory", password: "guess" };

/** A caller's function, with what it was asked. */
function credentialsOf(credential: Credential | undefined): { readonly find: NonNullable<BuildRequest["credentials"]>; readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    find: async (host): Promise<FoundCredential | undefined> => {
      asked.push(host);
      return credential && { credential, source: "the test" };
    },
  };
}

async function push(name: string, credential: Credential | undefined, more: Partial<BuildRequest> = {}): Promise<{ readonly error: unknown; readonly asked: readonly string[] }> {
  const { find, asked } = credentialsOf(credential);
  const request = await workshop.request(`FROM scratch\nLABEL name=${name}\nCOPY a /\n`, { files: { a: "a" }, tags: [`${registry.host}/${name}:1`], push: true, credentials: find, ...more });
  const error: unknown = await build(request).result.then(() => undefined, (reason: unknown) => reason);
  return { error, asked };
}

async function hasTag(name: string): Promise<boolean> {
  return (await registryTags(registry.host, name, DOCKER_REGISTRY_USER)).includes("1");
}

function assertRefused(error: unknown): void {
  assert.ok(error instanceof BuildError, String(error));
  assert.deepEqual([error.code, error.retryable], ["unauthorized", false]);
}

test("a registry's credentials are asked of the caller's function, by the registry's name", { skip: dockerRegistrySkip }, async () => {
  const { error, asked } = await push("asked", RIGHT);
  assert.equal(error, undefined);
  assert.deepEqual(new Set(asked), new Set([registry.host]));
  assert.equal(await hasTag("asked"), true);
});

test("wrong credentials, or none, are told by a code, with user and place, and without the password", { skip: dockerRegistrySkip }, async () => {
  const wrong = await push("wrong", WRONG);
  assertRefused(wrong.error);
  assert.match(String(wrong.error), /user "mallory" \(from the test\)/);
  assert.doesNotMatch(JSON.stringify([String(wrong.error), wrong.error]), /guess/);
  assertRefused((await push("nobody", undefined)).error);
  assert.deepEqual([await hasTag("wrong"), await hasTag("nobody")], [false, false]);
});

test("builds at the same time with right and wrong credentials never mix, over one root", { skip: dockerRegistrySkip }, async () => {
  const rounds = Array.from({ length: 6 }, (_, i) => i);
  const results = await Promise.all(rounds.map(async (i) => await push(`together-${i}`, i % 2 === 0 ? RIGHT : WRONG)));
  for (const [i, { error, asked }] of results.entries()) {
    if (i % 2 === 0) assert.equal(error, undefined);
    else assertRefused(error);
    assert.ok(asked.length > 0, "each build asks its own function");
    assert.equal(await hasTag(`together-${i}`), i % 2 === 0);
  }
});

test("credentials of one build do not serve the next one", { skip: dockerRegistrySkip }, async () => {
  assert.equal((await push("first", RIGHT)).error, undefined);
  assertRefused((await push("second", WRONG)).error);
  assertRefused((await push("third", undefined)).error);
  assert.equal((await push("fourth", RIGHT)).error, undefined);
});

test("a base image of a private registry is for the build that may read it, and for no other at the same time", { skip: dockerRegistrySkip }, async () => {
  await push("base", RIGHT);
  const from = async (credential: Credential): Promise<unknown> => {
    const request = await workshop.request(`FROM ${registry.host}/base:1\nCOPY b /\n`, { files: { b: "b" }, credentials: credentialsOf(credential).find });
    return await build(request).result.then(() => undefined, (reason: unknown) => reason);
  };
  const [mine, theirs, mineToo, theirsToo] = await Promise.all([from(RIGHT), from(WRONG), from(RIGHT), from(WRONG)]);
  assert.deepEqual([mine, mineToo], [undefined, undefined]);
  assertRefused(theirs);
  assertRefused(theirsToo);
});

test("what a credentials' function says no with is the cause of the failure", { skip: dockerRegistrySkip }, async () => {
  const refusal = new Error("the keychain is locked");
  const { error } = await push("locked", undefined, { credentials: async () => await Promise.reject(refusal) });
  const causes: unknown[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) causes.push(cause);
  assert.ok(causes.includes(refusal), String(error));
});
