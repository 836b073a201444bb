import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { dockerRegistrySkip, startDockerRegistry } from "../testing/docker-registry.ts";
import { startFakeRegistry, type FakeRegistryOptions } from "../testing/fake-registry.ts";
import { REFUSING } from "../testing/refusing-registries.ts";
import { testClient } from "../testing/registry-fixture.ts";
import { askForms } from "./evidence-forms.ts";

const limit = (): AbortSignal => AbortSignal.timeout(20_000);

/** The answers in words, and what the question left behind. */
async function asked(options: FakeRegistryOptions): Promise<readonly string[]> {
  await using registry = await startFakeRegistry(options);
  await using client = testClient();

  const { artifact, subject } = await askForms(client.servers({ domain: registry.host, path: "a" }, "push"), limit());
  assert.deepEqual([registry.manifests.size, registry.blobs.size, registry.tags.size], [0, 0, 0], "nothing is left there");
  return [artifact, subject].map((answer) => (answer.kind === "taken" ? "taken" : `${answer.kind}: ${answer.reason}`));
}

describe("the question what forms of evidence a registry takes", () => {
  test("is answered by what it says of a manifest whose layer cannot be", async () => {
    assert.deepEqual(await asked({}), ["taken", "taken"]);
    assert.deepEqual(await asked({ refuse: REFUSING.emptyConfig }), ["refused: status 403: DENIED: unknown manifest class for application/vnd.oci.empty.v1+json", "taken"]);
    assert.deepEqual(await asked({ refuse: REFUSING.unknownTypes415 }), ["refused: status 415: MANIFEST_INVALID: unknown media type: application/vnd.docker.attestation.manifest.v1+json", "taken"]);
    const strict = "refused: status 400: MANIFEST_INVALID: additional property subject is not allowed";
    assert.deepEqual(await asked({ refuse: REFUSING.subjects }), [strict, strict]);
  });

  test("leaves nothing where manifests are taken without their layers", async () => {
    assert.deepEqual(await asked({ checksBlobs: false }), ["taken", "taken"]);
  });

  test("is open where the registry refuses what all take", async () => {
    const answers = await asked({ refuse: () => ({ status: 400, code: "NAME_INVALID", message: "no" }) });
    assert.deepEqual(answers, ["unknown: status 400: NAME_INVALID: no", "unknown: status 400: NAME_INVALID: no"]);
  });

  test("is answered by the reference registry, which has no manifest then", { skip: dockerRegistrySkip }, async () => {
    await using registry = await startDockerRegistry();
    await using client = testClient();

    const name = { domain: registry.host, path: "a" };
    assert.deepEqual(await askForms(client.servers(name, "push"), limit()), { artifact: { kind: "taken" }, subject: { kind: "taken" } });
    assert.deepEqual(await client.repository(name, "pull").tags(limit()), []);
  });
});
