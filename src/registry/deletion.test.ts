import assert from "node:assert/strict";
import { test } from "node:test";
import { dockerRegistrySkip, startDockerRegistry } from "../testing/docker-registry.ts";
import { EvidenceSamples } from "../testing/evidence-samples.ts";
import { startFakeRegistry } from "../testing/fake-registry.ts";
import { credentialsOf, refuses, testClient } from "../testing/registry-fixture.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";

const limit = (): AbortSignal => AbortSignal.timeout(30_000);

test("manifests and blobs are deleted, and tags go with what they name", { skip: dockerRegistrySkip }, async () => {
  await using registry = await startDockerRegistry();
  await using client = testClient();

  const repository = client.repository({ domain: registry.host, path: "a" }, "push");
  const samples = new EvidenceSamples(repository, limit());
  const image = await samples.image("linux/amd64", "1", MEDIA_TYPE.ociManifest, "1");
  await samples.image("linux/amd64", "2", MEDIA_TYPE.ociManifest, "2");
  assert.equal(await repository.deleteManifest(image.digest, limit()), true);
  assert.equal(await repository.deleteManifest(image.digest, limit()), false);
  assert.deepEqual(await repository.tags(limit()), ["2"]);
  const blob = await samples.blob("text/plain", Buffer.from("blob"));
  assert.equal(await repository.deleteBlob(blob.digest, limit()), true);
  assert.equal(await repository.hasBlob(blob.digest, limit()), false);
  assert.equal(await repository.hasReferrers(limit()), false);
});

test("the right to delete is asked for by its name", async () => {
  await using registry = await startFakeRegistry({ auth: { kind: "bearer", users: { me: "secret" }, identityTokens: [], isPublic: () => false } });
  await using client = testClient({ credentials: credentialsOf({ kind: "basic", username: "me", password: "secret" }) });

  const repository = client.repository({ domain: registry.host, path: "a" }, "push");
  const image = await new EvidenceSamples(repository, limit()).image("linux/amd64", "1");
  assert.equal(await repository.deleteManifest(image.digest, limit()), true);
  const asked = registry.requests.filter(({ url }) => url.pathname === "/token").map(({ url }) => url.searchParams.getAll("scope").join(" "));
  assert.deepEqual(asked, ["repository:a:pull,push", "repository:a:delete,pull,push"]);
});

test("a registry that deletes nothing is told as such, with what to set", async () => {
  await using registry = await startFakeRegistry();
  await using client = testClient();

  const repository = client.repository({ domain: registry.host, path: "a" }, "push");
  const image = await new EvidenceSamples(repository, limit()).image("linux/amd64", "1");
  registry.intercept = ({ method }, response) => method === "DELETE" && response.writeHead(405, { "content-type": "application/json" }).end('{"errors":[{"code":"UNSUPPORTED"}]}') !== undefined;
  await assert.rejects(repository.deleteManifest(image.digest, limit()), refuses("rejected", "deletes nothing", "REGISTRY_STORAGE_DELETE_ENABLED=true"));
});

test("a list of referrers that names what is gone takes new ones all the same, and loses what is dropped", { skip: dockerRegistrySkip }, async () => {
  await using registry = await startDockerRegistry();
  await using client = testClient();

  const repository = client.repository({ domain: registry.host, path: "a" }, "push");
  const samples = new EvidenceSamples(repository, limit());
  const image = await samples.image("linux/amd64", "1");
  const [first, second] = [await samples.referrer(image, "text/one", {}), await samples.referrer(image, "text/two", {})];
  const listed = async (): Promise<readonly string[]> => (await repository.referrers(image.digest, limit())).map(({ digest }) => digest);
  await repository.deleteManifest(first.digest, limit());
  assert.deepEqual(await listed(), [first.digest, second.digest]);
  const third = await samples.referrer(image, "text/three", {});
  assert.deepEqual(await listed(), [second.digest, third.digest]);
  await repository.dropReferrers(image.digest, new Set([second.digest]), limit());
  assert.deepEqual(await listed(), [third.digest]);
});
