import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, type Digest } from "../../content/digest.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { ImageIndex, Manifest } from "../../oci/manifest.ts";
import { MEDIA_TYPE } from "../../oci/media-type.ts";
import { openEvidencePlace, type EvidencePlace } from "../../testing/evidence-place.ts";
import { sampleBundle, sampleEnvelope, sampleStatement, SIGSTORE_BUNDLE, SLSA_V1, SPDX, type SampleStatement } from "../../testing/evidence-samples.ts";
import { refuses } from "../../testing/registry-fixture.ts";
import { EvidenceError, type EvidenceErrorCode } from "../evidence-error.ts";
import { deleteOldEvidence, type OldEvidence } from "./old-evidence.ts";
import { scrubEvidence, type ScrubReport } from "./scrub-evidence.ts";

const SECRET = `ghp_${"z9Y8".repeat(9)}`;
const SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json";

function leaky(subject: Digest): SampleStatement {
  const request = { args: { "build-arg:GITHUB_TOKEN": SECRET, "build-arg:VERSION": "1" } };
  return sampleStatement(subject, SLSA_V1, { buildDefinition: { externalParameters: { request } }, runDetails: { metadata: { invocationId: "x" } } });
}

async function scrub(place: EvidencePlace, path: string, dropSignatures = false): Promise<ScrubReport> {
  return await scrubEvidence({ image: place.name(path), dropSignatures }, place.client, place.signal);
}

async function read<T>(place: EvidencePlace, name: string): Promise<T> {
  const found = await place.repository.resolve(name, place.signal);
  assert.ok(found !== undefined, name);
  return JSON.parse(Buffer.from((await place.repository.manifest(found.digest, place.signal)).bytes).toString()) as T;
}

/** Whether whoever asks for the image by its name can come to the secret. */
async function shows(place: EvidencePlace, path: string): Promise<boolean> {
  return await place.with(path, async ({ record }) => {
    for (const image of (await record.platforms(place.signal)).values()) {
      for (const layer of await image.statements(place.signal)) if (Buffer.from(await image.statementBytes(layer, place.signal)).includes(SECRET)) return true;
    }
    return false;
  });
}

function fails(code: EvidenceErrorCode, ...words: readonly string[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof EvidenceError, error instanceof Error ? error.stack : String(error));
    assert.equal(error.code, code, error.message);
    for (const word of words) assert.ok(error.message.includes(word), `${word} in: ${error.message}`);
    return true;
  };
}

const digestsOf = (old: readonly OldEvidence[], kind: OldEvidence["kind"]): readonly Digest[] => old.filter((one) => one.kind === kind).map(({ digest }) => digest);

for (const form of ["artifact", "older"] as const) {
  test(`masks a record in the index (${form}), moves the tag, and leaves all else as it is`, async () => {
    await using place = await openEvidencePlace({ referrers: false });

    const [amd, arm] = [await place.samples.image("linux/amd64", "amd"), await place.samples.image("linux/arm64", "arm")];
    const [statement, spdx] = [leaky(amd.digest), sampleStatement(amd.digest, SPDX, { name: "no secret" })];
    const [ofAmd, ofArm] = [await place.samples.attestation(amd, [spdx, statement], form), await place.samples.attestation(arm, [sampleStatement(arm.digest, SLSA_V1, {})], form)];
    const root = await place.samples.index([amd, ofAmd, arm, ofArm], "1");
    assert.equal(await shows(place, "a:1"), true);
    const report = await scrub(place, "a:1");
    assert.equal(place.registry.tags.get("a:1"), report.root);
    assert.equal(await shows(place, "a:1"), false);
    const { manifests } = await read<ImageIndex>(place, "1");
    assert.deepEqual([manifests[0], manifests[2], manifests[3]], [amd, arm, ofArm]);
    assert.deepEqual({ ...manifests[1], digest: "", size: 0 }, { ...ofAmd, digest: "", size: 0 });
    const [before, after] = [await read<Manifest>(place, ofAmd.digest), await read<Manifest>(place, manifests[1]?.digest ?? "")];
    assert.deepEqual(after.layers[0], before.layers[0]);
    assert.deepEqual([after.subject, after.artifactType, Object.keys(after)], [before.subject, before.artifactType, Object.keys(before)]);
    const bytes = place.registry.blobs.get(`a@${after.layers[1]?.digest}`)?.toString() ?? "";
    const said = JSON.parse(bytes) as { readonly subject: unknown; readonly predicate: { readonly runDetails: { readonly metadata: Record<string, unknown> } } };
    assert.deepEqual(said.predicate.runDetails.metadata["stemma_redacted"], [{ place: "build-arg:GITHUB_TOKEN", kind: "secret-variable" }]);
    assert.deepEqual(said.subject, (JSON.parse(statement.bytes.toString()) as { readonly subject: unknown }).subject);
    assert.deepEqual(report.records.map((record) => ({ ...record, redactions: record.redactions.map(({ place: at }) => at) })), [
      { platform: "linux/amd64", predicateType: SLSA_V1, before: digestOf(statement.bytes), after: after.layers[1]?.digest, redactions: ["build-arg:GITHUB_TOKEN"] },
    ]);
    assert.deepEqual(report.old.map(({ kind, digest, named, listed }) => [kind, digest, named, listed]), [
      ["index", root.digest, undefined, false], ["attestation", ofAmd.digest, undefined, false], ["statement", digestOf(statement.bytes), undefined, false],
    ]);
    const again = await scrub(place, "a:1");
    assert.deepEqual([again.records, again.root, again.old], [[], report.root, []]);
  });
}

test("the configuration of the older form lists the new statement", async () => {
  await using place = await openEvidencePlace();

  const image = await place.samples.image("linux/amd64", "1");
  const { bytes } = leaky(image.digest);
  const layers = [{ ...(await place.samples.blob(MEDIA_TYPE.inToto, bytes)), annotations: { "in-toto.io/predicate-type": SLSA_V1 } }];
  const config = await place.samples.blob(MEDIA_TYPE.ociConfig, Buffer.from(JSON.stringify({ architecture: "unknown", os: "unknown", config: {}, rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) } })));
  const holder = await place.samples.manifest({ mediaType: MEDIA_TYPE.ociManifest, config, layers }, undefined);
  await place.samples.index([image, { ...holder, annotations: { "vnd.docker.reference.digest": image.digest } }], "1");
  await scrub(place, "a:1");
  const after = await read<Manifest>(place, (await read<ImageIndex>(place, "1")).manifests[1]?.digest ?? "");
  const written = JSON.parse(place.registry.blobs.get(`a@${after.config.digest}`)?.toString() ?? "") as { readonly rootfs: { readonly diff_ids: readonly string[] } };
  assert.deepEqual(written.rootfs.diff_ids, after.layers.map(({ digest }) => digest));
});

test("masks what refers to the image, without a change to tag or image, and deletes the old where it is asked to", async () => {
  for (const referrers of [true, false]) {
    await using place = await openEvidencePlace({ referrers });

    const image = await place.samples.image("linux/amd64", "1", MEDIA_TYPE.ociManifest, "1");
    const statement = leaky(image.digest);
    const old = await place.samples.referrer(image, MEDIA_TYPE.inToto, statement.bytes);
    const report = await scrub(place, "a:1");
    assert.equal(place.registry.tags.get("a:1"), image.digest);
    assert.deepEqual(report.old.map(({ kind, listed }) => [kind, listed]), [["attestation", referrers], ["statement", false]]);
    // A registry that keeps the list itself shows the old one until it is deleted.
    assert.equal(await shows(place, "a:1"), referrers);
    const deleted = await deleteOldEvidence({ domain: place.registry.host, path: "a" }, report.old, place.client, place.signal);
    assert.deepEqual(deleted.map(({ digest }) => digest), [old.digest, digestOf(statement.bytes)]);
    assert.equal(await shows(place, "a:1"), false);
    assert.equal([...place.registry.blobs.values(), ...[...place.registry.manifests.values()].map(({ bytes }) => bytes)].some((bytes) => bytes.includes(SECRET)), false);
    assert.equal((await place.repository.referrers(image.digest, place.signal)).length, 1);
  }
});

test("what another tag leads to is told, and not deleted", async () => {
  await using place = await openEvidencePlace({ referrers: false });

  const image = await place.samples.image("linux/amd64", "1");
  const statement = leaky(image.digest);
  const attestation = await place.samples.attestation(image, [statement]);
  const root = await place.samples.index([image, attestation], "1");
  await place.samples.index([image, attestation], "latest");
  const report = await scrub(place, "a:1");
  const named = new Map(report.old.map((one) => [one.kind, one.named]));
  assert.deepEqual([...named], [["index", "tag latest"], ["attestation", `index ${root.digest} of tag latest`], ["statement", `index ${root.digest} of tag latest`]]);
  assert.deepEqual(await deleteOldEvidence({ domain: place.registry.host, path: "a" }, report.old, place.client, place.signal), []);
  const second = await scrub(place, "a:latest");
  assert.equal(second.root, report.root);
  const deleted = await deleteOldEvidence({ domain: place.registry.host, path: "a" }, second.old, place.client, place.signal);
  assert.deepEqual(deleted.map(({ digest }) => digest), [attestation.digest, digestOf(statement.bytes)]);
  assert.ok(place.registry.manifests.has(`a@${root.digest}`), "the old index may be in use by its digest");
});

test("refuses to change what is signed, in whatever way, unless it is told to", async () => {
  const ways: ReadonlyArray<readonly [name: string, sign: (place: EvidencePlace, image: Descriptor) => Promise<Digest>]> = [
    ["a signature of the attestation", async (place, image) => {
      const attestation = await place.samples.attestation(image, [leaky(image.digest)]);
      await place.samples.index([image, attestation], "1");
      return (await place.samples.referrer(attestation, SIGSTORE_BUNDLE, sampleBundle(leaky(image.digest).bytes))).digest;
    }],
    ["a signature of the index", async (place, image) => {
      const index = await place.samples.index([image, await place.samples.attestation(image, [leaky(image.digest)])], "1");
      return (await place.samples.referrer(index, SIGNATURE, Buffer.from("s"))).digest;
    }],
    ["a tag of older cosign", async (place, image) => {
      const index = await place.samples.index([image, await place.samples.attestation(image, [leaky(image.digest)])], "1");
      return (await place.samples.image("linux/amd64", "signature", MEDIA_TYPE.ociManifest, `${index.digest.replace(":", "-")}.sig`)).digest;
    }],
    ["an envelope", async (place, image) => {
      await place.samples.index([image], "1");
      return (await place.samples.referrer(image, "application/vnd.in-toto.provenance+dsse", sampleEnvelope(leaky(image.digest).bytes))).digest;
    }],
    ["a bundle", async (place, image) => {
      await place.samples.index([image], "1");
      return (await place.samples.referrer(image, SIGSTORE_BUNDLE, sampleBundle(leaky(image.digest).bytes), { "dev.sigstore.bundle.predicateType": SLSA_V1 })).digest;
    }],
  ];
  for (const [name, sign] of ways) {
    await using place = await openEvidencePlace({ referrers: false });

    const image = await place.samples.image("linux/amd64", "1");
    const signature = await sign(place, image);
    const before = new Map(place.registry.tags);
    await assert.rejects(scrub(place, "a:1"), fails("usage", signature, "--drop-signatures"), name);
    assert.deepEqual(new Map(place.registry.tags), before, name);
    const report = await scrub(place, "a:1", true);
    assert.deepEqual(report.dropped, [signature], name);
    assert.equal(await shows(place, "a:1"), false, name);
    assert.deepEqual(digestsOf(report.old, "signature"), name === "a signature of the attestation" ? [signature] : [], name);
  }
});

test("masks a statement that only the signature of an attestation holds", async () => {
  await using place = await openEvidencePlace({ referrers: false });

  const image = await place.samples.image("linux/amd64", "1");
  const attestation = await place.samples.attestation(image, [sampleStatement(image.digest, SPDX, {})]);
  await place.samples.index([image, attestation], "1");
  const bundle = await place.samples.referrer(attestation, SIGSTORE_BUNDLE, sampleBundle(leaky(image.digest).bytes));
  await assert.rejects(scrub(place, "a:1"), fails("usage", bundle.digest));
  const { old, root } = await scrub(place, "a:1", true);
  assert.equal(root, place.registry.tags.get("a:1"));
  assert.deepEqual(digestsOf(old, "attestation"), [bundle.digest]);
  assert.equal((await place.repository.referrers(attestation.digest, place.signal)).some(({ digest }) => digest === bundle.digest), false);
});

test("changes nothing where there is nothing to mask, or where the tag was moved", async () => {
  await using place = await openEvidencePlace();

  const image = await place.samples.image("linux/amd64", "1");
  const clean = await place.samples.index([image, await place.samples.attestation(image, [sampleStatement(image.digest, SLSA_V1, {})])], "clean");
  const requests = place.registry.requests.length;
  assert.equal((await scrub(place, "a:clean")).root, clean.digest);
  assert.equal(place.registry.requests.slice(requests).some(({ method }) => method === "PUT" || method === "POST"), false);
  const index = await place.samples.index([image, await place.samples.attestation(image, [leaky(image.digest)])], "1");
  place.registry.intercept = ({ method }, _response, url) => {
    if (method === "PUT" && url.pathname.startsWith("/v2/a/manifests/sha256:")) place.registry.tags.set("a:1", clean.digest);
    return false;
  };
  await assert.rejects(scrub(place, "a:1"), fails("changed", index.digest));
  assert.equal(place.registry.tags.get("a:1"), clean.digest);
});

test("a registry that deletes nothing has been scrubbed all the same", async () => {
  await using place = await openEvidencePlace({ referrers: false });

  const image = await place.samples.image("linux/amd64", "1");
  await place.samples.index([image, await place.samples.attestation(image, [leaky(image.digest)])], "1");
  const { old } = await scrub(place, "a:1");
  place.registry.intercept = ({ method }, response) => method === "DELETE" && response.writeHead(405).end() !== undefined;
  await assert.rejects(deleteOldEvidence({ domain: place.registry.host, path: "a" }, old, place.client, place.signal), refuses("rejected", "REGISTRY_STORAGE_DELETE_ENABLED=true"));
  assert.equal(await shows(place, "a:1"), false);
});
