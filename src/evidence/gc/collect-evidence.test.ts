import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest } from "../../content/digest.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import { MEDIA_TYPE } from "../../oci/media-type.ts";
import { openEvidencePlace, type EvidencePlace } from "../../testing/evidence-place.ts";
import { sampleBundle, sampleStatement, SIGSTORE_BUNDLE, SLSA_V1, SPDX } from "../../testing/evidence-samples.ts";
import { refuses } from "../../testing/registry-fixture.ts";
import { collectEvidence, planEvidenceCollection, type Collected } from "./collect-evidence.ts";
import type { CollectionPlan, Removal } from "./plan-collection.ts";

const SIGNATURE = "https://sigstore.dev/cosign/sign/v1";

async function plan(place: EvidencePlace, candidates: readonly Digest[] = []): Promise<CollectionPlan> {
  return await planEvidenceCollection({ repository: { domain: place.registry.host, path: "a" }, candidates }, place.client, place.signal);
}

async function collect(place: EvidencePlace, candidates: readonly Digest[] = []): Promise<readonly Collected[]> {
  const all: Collected[] = [];
  await collectEvidence({ repository: { domain: place.registry.host, path: "a" }, candidates }, place.client, (one) => void all.push(one), place.signal);
  return all;
}

const tagOf = ({ digest }: Pick<Descriptor, "digest">): string => digest.replace(":", "-");
const manifestsIn = ({ registry }: EvidencePlace): ReadonlySet<string> => new Set(registry.manifests.keys());
const named = (removal: Removal): string => (removal.kind === "manifest" ? removal.digest : removal.tag);

/** An image with an attestation that refers to it, and a signature of that. */
async function attestedImage(place: EvidencePlace, seed: string): Promise<{ readonly image: Descriptor; readonly attestation: Descriptor; readonly signature: Descriptor }> {
  const image = await place.samples.image("linux/amd64", seed, MEDIA_TYPE.ociManifest, seed);
  const attestation = await place.samples.referrer(image, MEDIA_TYPE.inToto, sampleStatement(image.digest, SPDX, { seed }).bytes);
  const signature = await place.samples.referrer(attestation, SIGSTORE_BUNDLE, sampleBundle(sampleStatement(attestation.digest, SIGNATURE, { seed }).bytes));
  return { image, attestation, signature };
}

test("takes away fallback tags, attestations and their signatures once the image is gone, and nothing else", async () => {
  await using place = await openEvidencePlace({ referrers: false });

  const [old, current] = [await attestedImage(place, "old"), await attestedImage(place, "current")];
  assert.deepEqual((await plan(place)).removals, []);
  await place.repository.deleteManifest(old.image.digest, place.signal);
  const before = manifestsIn(place);
  const { removals, kept } = await plan(place);
  assert.deepEqual(removals.map(named), [old.signature.digest, old.attestation.digest, ...[tagOf(old.image), tagOf(old.attestation)].toSorted()]);
  assert.deepEqual(removals.slice(0, 2).map((one) => one.kind === "manifest" && one.about), [[old.attestation.digest], [old.image.digest]]);
  assert.deepEqual([kept, manifestsIn(place)], [[], before], "a plan changes nothing");
  assert.deepEqual((await collect(place)).map(({ removal, skipped }) => [named(removal), skipped]), removals.map((removal) => [named(removal), undefined]));
  assert.deepEqual([...place.registry.tags.keys()].toSorted(), ["a:current", `a:${tagOf(current.image)}`, `a:${tagOf(current.attestation)}`].toSorted());
  const gone = before.difference(manifestsIn(place));
  assert.equal(gone.size, 4);
  for (const { digest } of [current.image, current.attestation, current.signature]) assert.ok(place.registry.manifests.has(`a@${digest}`));
  assert.deepEqual((await plan(place)).removals, []);
});

test("finds what the registry itself lists as referring to a manifest that an index still names", async () => {
  await using place = await openEvidencePlace();

  const [amd, arm] = [await place.samples.image("linux/amd64", "amd"), await place.samples.image("linux/arm64", "arm")];
  const inIndex = await place.samples.attestation(arm, [sampleStatement(arm.digest, SLSA_V1, {})]);
  const index = await place.samples.index([amd, arm, inIndex], "1");
  const beside = await place.samples.referrer(arm, MEDIA_TYPE.inToto, sampleStatement(arm.digest, SPDX, {}).bytes);
  const ofAmd = await place.samples.referrer(amd, MEDIA_TYPE.inToto, sampleStatement(amd.digest, SPDX, {}).bytes);
  place.registry.manifests.delete(`a@${arm.digest}`);
  const { removals, kept } = await plan(place);
  assert.deepEqual(removals, [{ kind: "manifest", digest: beside.digest, type: MEDIA_TYPE.inToto, about: [arm.digest] }]);
  assert.deepEqual(kept, [{ digest: inIndex.digest, about: [arm.digest], why: `index ${index.digest} of tag 1 names it` }]);
  await collect(place);
  assert.deepEqual([beside, ofAmd, inIndex].map(({ digest }) => place.registry.manifests.has(`a@${digest}`)), [false, true, true]);
});

test("checks again right before, and leaves what has its subject back, or a name", async () => {
  for (const back of ["subject", "tag", "list"] as const) {
    await using place = await openEvidencePlace({ referrers: false });

    const { image, attestation, signature } = await attestedImage(place, "1");
    const stored = place.registry.manifests.get(`a@${image.digest}`);
    assert.ok(stored !== undefined);
    await place.repository.deleteManifest(image.digest, place.signal);
    let surveys = 0;
    place.registry.intercept = ({ method }, _response, url) => {
      if (method !== "GET" || !url.pathname.endsWith("/tags/list") || url.searchParams.has("last") || ++surveys !== 2) return false;
      if (back === "subject") place.registry.manifests.set(`a@${image.digest}`, stored);
      if (back === "tag") place.registry.tags.set("a:keep", attestation.digest);
      if (back === "list") place.registry.tags.set(`a:${tagOf(image)}`, signature.digest);
      return false;
    };
    const skipped = new Map((await collect(place)).map((one) => [named(one.removal), one.skipped]));
    if (back === "subject") {
      assert.deepEqual(new Set(skipped.values()), new Set([`${image.digest} is there again`, "an entry of it stays"]));
      assert.equal([attestation, signature].every(({ digest }) => place.registry.manifests.has(`a@${digest}`)), true);
    }
    if (back === "tag") {
      assert.equal(skipped.get(attestation.digest), "tag keep names it now");
      assert.equal(place.registry.manifests.has(`a@${signature.digest}`), true);
    }
    if (back === "list") assert.equal(skipped.get(tagOf(image)), "the tag was moved meanwhile");
  }
});

test("finds what has no tag among the digests that are named to it, also attestations of the older form", async () => {
  await using place = await openEvidencePlace({ referrers: false });

  const [old, current] = [await place.samples.image("linux/amd64", "old"), await place.samples.image("linux/amd64", "current")];
  const attestations = [
    await place.samples.attestation(old, [sampleStatement(old.digest, SLSA_V1, {})], "older"),
    await place.samples.attestation(old, [sampleStatement(old.digest, SPDX, {})]),
    await place.samples.attestation(current, [sampleStatement(current.digest, SLSA_V1, {})], "older"),
    await place.samples.attestation(old, [sampleStatement(undefined, SPDX, {})], "older"),
  ];
  const candidates = [old, current, ...attestations].map(({ digest }) => digest);
  await place.samples.index([current], "1");
  await place.repository.deleteManifest(old.digest, place.signal);
  assert.deepEqual((await plan(place)).removals, []);
  const { removals } = await plan(place, candidates);
  assert.deepEqual(new Set(removals.map(named)), new Set(attestations.slice(0, 2).map(({ digest }) => digest)));
  await collect(place, candidates);
  assert.deepEqual(attestations.map(({ digest }) => place.registry.manifests.has(`a@${digest}`)), [false, false, true, true]);
});

test("leaves in a list what is no evidence, and evidence that is also about what is there", async () => {
  await using place = await openEvidencePlace({ referrers: false });

  const [old, current] = [await place.samples.image("linux/amd64", "old"), await place.samples.image("linux/amd64", "current", MEDIA_TYPE.ociManifest, "1")];
  const evidence = await place.samples.referrer(old, MEDIA_TYPE.inToto, sampleStatement(old.digest, SPDX, {}).bytes);
  const other = await place.samples.referrer(old, "application/vnd.example.chart", Buffer.from("chart"));
  const two = { ...sampleStatement(old.digest, SPDX, {}), bytes: Buffer.from(JSON.stringify({ _type: "https://in-toto.io/Statement/v1", predicateType: SPDX, subject: [old, current].map(({ digest }) => ({ digest: { sha256: digest.slice(7) } })), predicate: {} })) };
  const both = await place.samples.attestation(old, [two], "older");
  await place.repository.deleteManifest(old.digest, place.signal);
  const { removals, kept } = await plan(place, [both.digest]);
  const list = place.registry.tags.get(`a:${tagOf(old)}`);
  assert.deepEqual(removals.map((one) => [one.kind, named(one), one.kind === "entries" && one.entries]), [["manifest", evidence.digest, false], ["entries", tagOf(old), [evidence.digest]]]);
  assert.deepEqual(kept.map(({ digest, why }) => [digest, why]), [[both.digest, "it is also about what is still there"], [other.digest, "it is no evidence, but application/vnd.example.chart"]]);
  await collect(place, [both.digest]);
  assert.deepEqual((await place.repository.referrers(old.digest, place.signal)).map(({ digest }) => digest), [other.digest]);
  assert.equal(place.registry.manifests.has(`a@${list}`), false, "the list as it was is not left behind");
});

test("does not take for gone what the registry only hides", async () => {
  await using place = await openEvidencePlace({ referrers: false });

  const { image, attestation } = await attestedImage(place, "1");
  // A schema 1 image is shown only to those who ask for one.
  place.registry.intercept = (request, response, url) => {
    if (!url.pathname.endsWith(image.digest) || request.headers.accept?.includes("manifest.v1+prettyjws") === true) return false;
    response.writeHead(404, { "content-type": "application/json" }).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
    return true;
  };
  assert.deepEqual((await plan(place)).removals, []);
  assert.ok(place.registry.manifests.has(`a@${attestation.digest}`));
});

test("stops where the registry refuses to delete, and says what to set", async () => {
  await using place = await openEvidencePlace({ referrers: false });

  const { image } = await attestedImage(place, "1");
  await place.repository.deleteManifest(image.digest, place.signal);
  const before = manifestsIn(place);
  place.registry.intercept = ({ method }, response) => method === "DELETE" && response.writeHead(405).end() !== undefined;
  await assert.rejects(collect(place), refuses("rejected", "REGISTRY_STORAGE_DELETE_ENABLED=true"));
  assert.deepEqual(manifestsIn(place), before);
});
