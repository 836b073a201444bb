import assert from "node:assert/strict";
import { test } from "node:test";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { openEvidencePlace, type EvidencePlace } from "../testing/evidence-place.ts";
import { CYCLONEDX, sampleEnvelope, sampleStatement, SLSA_V1, SPDX } from "../testing/evidence-samples.ts";
import { REFUSING } from "../testing/refusing-registries.ts";
import { attachEvidence, type AttachedEvidence, type AttachRequest } from "./attach-evidence.ts";
import { EvidenceError, type EvidenceErrorCode } from "./evidence-error.ts";
import { getEvidence } from "./get-evidence.ts";

async function attach(place: EvidencePlace, path: string, statement: Uint8Array, options: Partial<AttachRequest> = {}): Promise<AttachedEvidence> {
  return await attachEvidence({ store: "index", ...options, image: place.name(path), statement }, place.client, place.signal);
}

async function read<T>(place: EvidencePlace, path: string): Promise<T> {
  const root = await place.repository.resolve(path, place.signal);
  assert.ok(root !== undefined);
  return JSON.parse(Buffer.from((await place.repository.manifest(root.digest, place.signal)).bytes).toString()) as T;
}

async function documents(place: EvidencePlace, path: string, platform?: string): Promise<readonly string[]> {
  return await place.with(path, async ({ record }) => {
    const platforms = await record.platforms(place.signal);
    const image = platform === undefined ? [...platforms.values()][0] : platforms.get(platform);
    return (await image?.statements(place.signal))?.map(({ predicateType, place: where }) => `${where} ${predicateType}`) ?? [];
  });
}

function fails(code: EvidenceErrorCode, words: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof EvidenceError, error instanceof Error ? error.stack : String(error));
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.includes(words), error.message);
    return true;
  };
}

test("stands beside what is there, in BuildKit's form, and the tag moves", async () => {
  await using place = await openEvidencePlace({ referrers: false });

  const [amd, arm] = [await place.samples.image("linux/amd64", "amd"), await place.samples.image("linux/arm64", "arm")];
  const attestation = await place.samples.attestation(amd, [sampleStatement(amd.digest, SLSA_V1, {})]);
  await place.samples.index([amd, arm, attestation], "1");
  const statement = sampleStatement(arm.digest, CYCLONEDX, { bomFormat: "CycloneDX" });
  const attached = await attach(place, "a:1", statement.bytes, { platform: "linux/arm64" });
  assert.deepEqual([attached.state, attached.subject, attached.predicateType], ["attached", arm.digest, CYCLONEDX]);
  assert.equal(place.registry.tags.get("a:1"), attached.root);
  const { manifests } = await read<ImageIndex>(place, "1");
  assert.deepEqual(manifests.slice(0, 3), [amd, arm, attestation]);
  assert.deepEqual(manifests.slice(3).map(({ digest, annotations, platform }) => ({ digest, annotations, platform })), [{
    digest: attached.attestation, platform: { architecture: "unknown", os: "unknown" },
    annotations: { "vnd.docker.reference.digest": arm.digest, "vnd.docker.reference.type": "attestation-manifest" },
  }]);
  const manifest = await read<Manifest>(place, attached.attestation ?? "");
  assert.deepEqual([manifest.artifactType, manifest.subject?.digest], [MEDIA_TYPE.attestationManifest, arm.digest]);
  assert.deepEqual(place.registry.blobs.get(`a@${manifest.layers[0]?.digest}`), statement.bytes);
  assert.deepEqual(await documents(place, "a:1", "linux/amd64"), [`index ${SLSA_V1}`]);
  assert.deepEqual([...place.registry.tags.keys()], ["a:1"]);
});

test("makes an index around a single manifest", async () => {
  await using place = await openEvidencePlace();

  const image = await place.samples.image("linux/arm64", "1", MEDIA_TYPE.ociManifest, "1");
  await attach(place, "a:1", sampleStatement(image.digest, SPDX, { name: "x" }).bytes);
  const index = await read<ImageIndex>(place, "1");
  assert.deepEqual([index.mediaType, index.manifests[0]], [MEDIA_TYPE.ociIndex, image]);
  assert.match((await place.with("a:1", (open) => getEvidence(open, { type: "sbom" }, place.signal))).document, /"x"/);
});

test("keeps to the older form where attestations have it", async () => {
  await using place = await openEvidencePlace();

  const image = await place.samples.image("linux/amd64", "1");
  await place.samples.index([image, await place.samples.attestation(image, [sampleStatement(image.digest, SLSA_V1, {})], "older")], "1");
  const { attestation } = await attach(place, "a:1", sampleStatement(image.digest, SPDX, {}).bytes);
  const manifest = await read<Manifest>(place, attestation ?? "");
  assert.deepEqual([manifest.subject, manifest.artifactType, manifest.config.mediaType], [undefined, undefined, MEDIA_TYPE.ociConfig]);
  assert.deepEqual(await documents(place, "a:1"), [`index ${SLSA_V1}`, `index ${SPDX}`]);
});

test("refers to the image without a change to any digest or tag, also where registries list no referrers", async () => {
  for (const referrers of [true, false]) {
    await using place = await openEvidencePlace({ referrers });

    const image = await place.samples.image("linux/amd64", "1");
    const root = await place.samples.index([image, await place.samples.attestation(image, [sampleStatement(image.digest, SLSA_V1, {})])], "1");
    for (const name of ["one", "two"]) {
      const attached = await attach(place, "a:1", sampleStatement(image.digest, SPDX, { name }).bytes, { store: "referrers" });
      assert.equal(attached.root, root.digest);
    }
    assert.equal(place.registry.tags.get("a:1"), root.digest);
    assert.deepEqual(await documents(place, "a:1"), [`index ${SLSA_V1}`, `referrer ${SPDX}`, `referrer ${SPDX}`]);
  }
});

test("a statement that is there already is not added again", async () => {
  for (const [referrers, inIndexToo] of [[true, "present"], [false, "attached"]] as const) {
    await using place = await openEvidencePlace({ referrers });

    const image = await place.samples.image("linux/amd64", "1", MEDIA_TYPE.ociManifest, "1");
    const { bytes } = sampleStatement(image.digest, SPDX, { a: 1, b: 2 });
    const { root } = await attach(place, "a:1", bytes);
    const again = await attach(place, "a:1", Buffer.from(JSON.stringify(JSON.parse(bytes.toString()), undefined, 2)));
    assert.deepEqual([again.state, again.root, again.attestation], ["present", root, undefined]);
    // A registry that reads `subject` lists what lies in the index besides.
    assert.equal((await attach(place, "a:1", bytes, { store: "referrers" })).state, inIndexToo);
    assert.equal((await attach(place, "a:1", bytes, { store: "referrers" })).state, "present");
  }
});

test("refuses what is no statement, or none about the image, and changes nothing", async () => {
  await using place = await openEvidencePlace();

  const [amd, arm] = [await place.samples.image("linux/amd64", "amd"), await place.samples.image("linux/arm64", "arm")];
  await place.samples.index([amd, arm], "1");
  const before = place.registry.manifests.size;
  const good = sampleStatement(amd.digest, SPDX, {}).bytes;
  const amdOnly = { platform: "linux/amd64" };
  const without = (member: string): Buffer => Buffer.from(JSON.stringify({ ...(JSON.parse(good.toString()) as object), [member]: undefined }));
  const cases: ReadonlyArray<readonly [statement: Uint8Array, options: Partial<AttachRequest>, code: EvidenceErrorCode, words: string]> = [
    [good, { platform: "linux/arm64" }, "verification", `is about ${amd.digest}, and not about this image's manifest ${arm.digest}`],
    [sampleStatement(undefined, SPDX, {}).bytes, amdOnly, "verification", "names no subject"],
    [Buffer.from("{"), amdOnly, "usage", "no JSON"],
    [Buffer.from("[]"), amdOnly, "usage", "not a JSON object"],
    [Buffer.from('{"spdxVersion":"SPDX-2.3"}'), amdOnly, "usage", "wrap the document in one"],
    [Buffer.from(JSON.stringify(sampleEnvelope(good))), amdOnly, "usage", "this is an envelope"],
    [without("predicateType"), amdOnly, "usage", "without predicateType or predicate"],
    [without("predicate"), amdOnly, "usage", "without predicateType or predicate"],
  ];
  for (const [statement, options, code, words] of cases) await assert.rejects(attach(place, "a:1", statement, options), fails(code, words));
  await assert.rejects(attach(place, "a:1", good), { code: "usage", message: /choose one with --platform: linux\/amd64, linux\/arm64/ });
  await assert.rejects(attach(place, "a:none", good), { code: "not-found" });
  await assert.rejects(attachEvidence({ image: "oci-layout://x", statement: good, store: "index" }, place.client, place.signal), fails("usage", "only images in registries"));
  assert.equal(place.registry.manifests.size, before);
});

test("does not undo what another did to the tag meanwhile", async () => {
  await using place = await openEvidencePlace();

  const image = await place.samples.image("linux/amd64", "1", MEDIA_TYPE.ociManifest, "1");
  const other = await place.samples.image("linux/amd64", "2");
  place.registry.intercept = (request, _response, url) => {
    if (request.method === "PUT" && url.pathname.startsWith("/v2/a/manifests/sha256:")) place.registry.tags.set("a:1", other.digest);
    return false;
  };
  await assert.rejects(attach(place, "a:1", sampleStatement(image.digest, SPDX, {}).bytes), fails("changed", `it named ${image.digest}, and names ${other.digest} now; run this again`));
  assert.equal(place.registry.tags.get("a:1"), other.digest);
});

test("an image that is asked for by digest gets an index without a tag, and old signatures are told", async () => {
  await using place = await openEvidencePlace();

  const image = await place.samples.image("linux/amd64", "1");
  const index = await place.samples.index([image], "1");
  const signature: Descriptor = await place.samples.referrer(index, "application/vnd.dev.cosign.artifact.sig.v1+json", Buffer.from("s"));
  const { root, leftBehind } = await attach(place, `a@${index.digest}`, sampleStatement(image.digest, SPDX, {}).bytes);
  assert.deepEqual(leftBehind, [signature.digest]);
  assert.equal(place.registry.tags.get("a:1"), index.digest);
  assert.ok(place.registry.manifests.has(`a@${root}`));
});

test("takes the form that the registry takes", async () => {
  for (const store of ["index", "referrers"] as const) {
    await using place = await openEvidencePlace({ referrers: false, refuse: REFUSING.emptyConfig });

    const image = await place.samples.image("linux/amd64", "1", MEDIA_TYPE.ociManifest, "1");
    const { attestation } = await attach(place, "a:1", sampleStatement(image.digest, SPDX, {}).bytes, { store });
    const manifest = await read<Manifest>(place, attestation ?? "");
    assert.deepEqual([manifest.config.mediaType, manifest.subject?.digest], [MEDIA_TYPE.ociConfig, store === "index" ? undefined : image.digest]);
    assert.deepEqual(await documents(place, "a:1"), [`${store === "index" ? "index" : "referrer"} ${SPDX}`]);
  }
});

test("tells where a statement holds what looks like a secret", async () => {
  await using place = await openEvidencePlace();

  const image = await place.samples.image("linux/amd64", "1", MEDIA_TYPE.ociManifest, "1");
  const { bytes } = sampleStatement(image.digest, "https://example.com/scan/v1", { config: { API_TOKEN: "hunter2-hunter2" } });
  const { suspects } = await attach(place, "a:1", bytes);
  assert.deepEqual(suspects.map(({ place: at }) => at), ["predicate.config.API_TOKEN"]);
  assert.deepEqual((await attach(place, "a:1", sampleStatement(image.digest, SPDX, {}).bytes)).suspects, []);
});
