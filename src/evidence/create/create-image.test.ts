import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Digest } from "../../content/digest.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { ImageIndex } from "../../oci/manifest.ts";
import { MEDIA_TYPE } from "../../oci/media-type.ts";
import type { BuildEvent } from "../../progress/event.ts";
import { conformanceFolder } from "../../testing/conformance.ts";
import { openEvidencePlace, type EvidencePlace } from "../../testing/evidence-place.ts";
import { EvidenceSamples, sampleBundle, sampleStatement, SIGSTORE_BUNDLE, SLSA_V1, SPDX } from "../../testing/evidence-samples.ts";
import { refuses } from "../../testing/registry-fixture.ts";
import { REFUSING } from "../../testing/refusing-registries.ts";
import { openSampleImage } from "../../testing/sample-image.ts";
import { EvidenceError, type EvidenceErrorCode } from "../evidence-error.ts";
import { createImage, previewImage, type CreatedImage, type CreateOptions, type CreateRequest } from "./create-image.ts";

const samples = conformanceFolder("samples");
const HOST = { os: "linux", architecture: "amd64" };

function optionsOf({ client }: Pick<EvidencePlace, "client">, events: BuildEvent[] = []): CreateOptions {
  return { client, cwd: "/", host: HOST, clock: { now: () => new Date(0), nowNs: () => 0n }, report: (event) => void events.push(event) };
}

async function create(place: EvidencePlace, request: CreateRequest, events: BuildEvent[] = []): Promise<CreatedImage> {
  return await createImage(request, optionsOf(place, events), place.signal);
}

async function preview(place: EvidencePlace, ...sources: readonly string[]): Promise<ImageIndex> {
  return await previewOf(place, { sources, tags: [] });
}

async function previewOf(place: EvidencePlace, request: CreateRequest): Promise<ImageIndex> {
  return JSON.parse(Buffer.from((await previewImage(request, optionsOf(place), place.signal)).bytes).toString()) as ImageIndex;
}

function fails(code: EvidenceErrorCode, message: string | RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof EvidenceError, error instanceof Error ? error.stack : String(error));
    assert.equal(error.code, code, error.message);
    if (typeof message === "string") assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  };
}

const digests = ({ manifests }: ImageIndex): readonly Digest[] => manifests.map(({ digest }) => digest);

/** An image with its attestation, as an index. */
async function attested(place: EvidencePlace, platform: string, tag: string): Promise<readonly [image: Descriptor, attestation: Descriptor]> {
  const image = await place.samples.image(platform, `${platform} ${tag}`);
  const attestation = await place.samples.attestation(image, [sampleStatement(image.digest, SLSA_V1, { of: tag })]);
  await place.samples.index([image, attestation], tag);
  return [image, attestation];
}

test("makes the index that buildx made of the same image", { skip: samples.skip }, async () => {
  await using place = await openEvidencePlace();
  await using image = await openSampleImage(join(samples.path, "11-multi-platform/registry"));
  const source = `oci-layout://${image.layout.path}:1`;

  const { bytes, metadata, descriptor } = await previewImage({ sources: [source], tags: [place.name("created:1")] }, optionsOf(place), place.signal);
  assert.equal(Buffer.from(bytes).toString(), readFileSync(join(samples.path, "48-imagetools-create/stdout"), "utf8"));
  assert.equal(descriptor.digest, "sha256:ff8c1b68d3efc131bda7f595c4b90821b7d9c1f5ba6df88bb4d9bde9c7f5634d");
  assert.equal(metadata, `{\n  "containerimage.descriptor": {\n    "mediaType": "application/vnd.oci.image.index.v1+json",\n    "digest": "${descriptor.digest}",\n    "size": ${bytes.byteLength}\n  },\n  "image.name": "${place.name("created")}"\n}`);
  // Written anew out of its parts, it has the same bytes: what is kept is in the order of image-spec's types.
  const { manifests } = JSON.parse(Buffer.from(bytes).toString()) as ImageIndex;
  const anew = await previewImage({ sources: [source, `oci-layout://${image.layout.path}@${manifests[0]?.digest}`], tags: [] }, optionsOf(place), place.signal);
  assert.deepEqual(Buffer.from(anew.bytes), Buffer.from(bytes));
});

test("joins images of several repositories, each with its evidence, and tells how", async () => {
  await using place = await openEvidencePlace();

  const [amd, ofAmd] = await attested(place, "linux/amd64", "amd");
  const other = new EvidenceSamples(place.client.repository({ domain: place.registry.host, path: "b" }, "push"), place.signal);
  const arm = await other.image("linux/arm64", "arm");
  const ofArm = await other.attestation(arm, [sampleStatement(arm.digest, SLSA_V1, {})], "older");
  await other.index([arm, ofArm], "arm");
  const events: BuildEvent[] = [];
  const { descriptor, bytes } = await create(place, { sources: [place.name("a:amd"), place.name("b:arm")], tags: [place.name("c:1"), place.name("c:2")] }, events);
  assert.deepEqual(digests(JSON.parse(Buffer.from(bytes).toString()) as ImageIndex), [amd, ofAmd, arm, ofArm].map(({ digest }) => digest));
  for (const tag of ["c:1", "c:2"]) assert.equal(place.registry.tags.get(tag), descriptor.digest);
  assert.equal(await place.with("c:1", async ({ record }) => (await Promise.all([...(await record.platforms(place.signal)).values()].map((image) => image.statements(place.signal)))).flat().length), 2);
  const said = events.flatMap((event) => (event.kind === "step-output" ? [Buffer.from(event.bytes).toString()] : event.kind === "step-started" ? [`${event.name}\n`] : []));
  const both = `${place.name("c:1")}, ${place.name("c:2")}`;
  assert.equal(said[0], `[internal] pushing ${both}\n`);
  assert.equal(said[1], `copying ${amd.digest} from ${place.name("a:amd")} to ${both}\n`);
  assert.deepEqual(said.slice(-2), [`pushing ${descriptor.digest} to ${place.name("c:1")}\n`, `pushing ${descriptor.digest} to ${place.name("c:2")}\n`]);
  assert.deepEqual(events.at(-1)?.kind, "step-finished");
  assert.ok(events.every((event) => event.kind !== "step-output" || event.stream === "stdout"), "as buildx writes it");
});

test("mounts blobs where the registry is the same, and moves them where it is another", async () => {
  await using place = await openEvidencePlace();
  await using other = await openEvidencePlace();

  const [image] = await attested(place, "linux/amd64", "1");
  const request = { sources: [place.name("a:1")], tags: [place.name("b:1"), other.name("c:1")] };
  await create(place, request);
  const uploads = place.registry.requests.filter(({ method, url }) => method === "POST" && url.pathname === "/v2/b/blobs/uploads/");
  assert.ok(uploads.length > 0 && uploads.every(({ url }) => url.searchParams.get("from") === "a"));
  assert.equal(place.registry.requests.some(({ method, url }) => method === "GET" && url.pathname.startsWith("/v2/b/blobs/")), false);
  assert.equal(other.registry.tags.get("c:1"), place.registry.tags.get("a:1"));
  const { layers } = JSON.parse(other.registry.manifests.get(`c@${image.digest}`)?.bytes.toString() ?? "") as { layers: Descriptor[] };
  assert.ok(other.registry.blobs.has(`c@${layers[0]?.digest}`));
});

test("keeps the platforms that are asked for, with their attestations and no others", async () => {
  await using place = await openEvidencePlace();

  const [amd, ofAmd] = await attested(place, "linux/amd64", "amd");
  const [arm, ofArm] = await attested(place, "linux/arm64/v8", "arm");
  const all = await place.samples.index([amd, arm, ofAmd, ofArm], "all");
  assert.deepEqual(digests(await previewOf(place, { sources: [place.name("a:all")], tags: [], platforms: ["linux/arm64"] })), [arm.digest, ofArm.digest]);
  assert.deepEqual(digests(await previewOf(place, { sources: [place.name("a:all")], tags: [], platforms: ["linux/arm64,linux/amd64"] })), [amd, arm, ofAmd, ofArm].map(({ digest }) => digest));
  assert.equal((await previewImage({ sources: [place.name("a:all")], tags: [], platforms: ["linux/arm64", "linux/amd64"] }, optionsOf(place), place.signal)).descriptor.digest, all.digest);
  await assert.rejects(previewOf(place, { sources: [place.name("a:all")], tags: [], platforms: ["linux/s390x"] }), fails("usage", "none of the manifests match the provided platforms"));
  const single = { sources: [`${place.name("a")}@${arm.digest}`], tags: [], preferIndex: false };
  await assert.rejects(previewOf(place, { ...single, platforms: ["linux/amd64"] }), fails("usage", "input platform linux/arm64 does not match any of the provided platforms"));
  await assert.rejects(previewOf(place, { ...single, platforms: ["linux/nope/a/b"] }), fails("usage", /^invalid platform "linux\/nope\/a\/b": /));
});

test("takes attestations into the index that the registry only lists as referrers", async () => {
  await using place = await openEvidencePlace();

  const [image, attestation] = await attested(place, "linux/amd64", "1");
  const index = await preview(place, `${place.name("a")}@${image.digest}`);
  assert.deepEqual(index.manifests.map(({ digest, annotations, platform, artifactType }) => ({ digest, annotations, platform, artifactType })), [
    { digest: image.digest, annotations: undefined, platform: { architecture: "amd64", os: "linux" }, artifactType: undefined },
    { digest: attestation.digest, annotations: attestation.annotations, platform: { architecture: "unknown", os: "unknown" }, artifactType: undefined },
  ]);
});

test("copies evidence that refers to what it copies, also signatures of evidence, and leaves what is none", async () => {
  for (const referrers of [true, false]) {
    await using place = await openEvidencePlace({ referrers });
    await using other = await openEvidencePlace({ referrers });

    const [image, attestation] = await attested(place, "linux/amd64", "1");
    const root = await place.repository.resolve("1", place.signal);
    assert.ok(root !== undefined);
    const evidence = [
      await place.samples.referrer(image, MEDIA_TYPE.inToto, sampleStatement(image.digest, SPDX, {}).bytes),
      await place.samples.referrer(attestation, SIGSTORE_BUNDLE, sampleBundle(sampleStatement(attestation.digest, "https://sigstore.dev/cosign/sign/v1", {}).bytes)),
      await place.samples.referrer(attestation, SIGSTORE_BUNDLE, sampleBundle(sampleStatement(image.digest, SLSA_V1, { of: "1" }).bytes)),
      await place.samples.referrer(root, "application/vnd.dev.cosign.artifact.sig.v1+json", Buffer.from("signature")),
    ];
    const unrelated = await place.samples.referrer(image, "application/vnd.example.attachment.v1+json", {});
    const events: BuildEvent[] = [];
    await createImage({ sources: [place.name("a:1")], tags: [other.name("b:1")] }, optionsOf(place, events), place.signal);
    for (const { digest } of evidence) assert.ok(other.registry.manifests.has(`b@${digest}`));
    assert.equal(other.registry.manifests.has(`b@${unrelated.digest}`), false);
    assert.ok(events.some((event) => event.kind === "step-output" && Buffer.from(event.bytes).toString().startsWith(`leaving ${unrelated.digest}, which refers to ${image.digest}`)));
    const listed = async (subject: Descriptor): Promise<readonly Digest[]> => (await other.client.repository({ domain: other.registry.host, path: "b" }, "pull").referrers(subject.digest, other.signal)).map(({ digest }) => digest);
    assert.deepEqual(new Set(await listed(attestation)), new Set(evidence.slice(1, 3).map(({ digest }) => digest)));
    assert.deepEqual(await listed(root), [evidence[3]?.digest]);
  }
});

test("refuses evidence that is not about the manifest it stands for, and leaves no name", async () => {
  await using place = await openEvidencePlace();

  const [amd, ofAmd] = await attested(place, "linux/amd64", "amd");
  const arm = await place.samples.image("linux/arm64", "arm");
  const wrongStatement = await place.samples.attestation(arm, [sampleStatement(arm.digest, SPDX, {}), sampleStatement(amd.digest, SLSA_V1, {})]);
  const wrongSubject = { ...ofAmd, annotations: { ...ofAmd.annotations, "vnd.docker.reference.digest": arm.digest } };
  const cases: ReadonlyArray<readonly [name: string, entries: readonly Descriptor[], message: RegExp]> = [
    ["statement", [amd, arm, ofAmd, wrongStatement], new RegExp(`^attestation ${wrongStatement.digest} of .*a:statement is not what it stands for: it stands for ${arm.digest}, and the subjects of its statement sha256:\\w+ are ${amd.digest}`)],
    ["subject", [amd, arm, wrongSubject], new RegExp(`it stands for ${arm.digest}, and its subject is ${amd.digest}`)],
    ["annotation", [arm, ofAmd], new RegExp(`it is about ${amd.digest} by its annotation, and no source has that image`)],
  ];
  for (const [name, entries, message] of cases) {
    await place.samples.index(entries, name);
    const request = { sources: [place.name(`a:${name}`)], tags: [place.name("b:1")] };
    await assert.rejects(create(place, request), fails("verification", message));
    await assert.rejects(previewOf(place, request), fails("verification", message));
  }
  assert.equal(place.registry.tags.has("b:1"), false);
  assert.equal([...place.registry.manifests.keys()].some((key) => key.startsWith("b@")), false);
  const image = await place.samples.image("linux/s390x", "referred to");
  const stray = await place.samples.referrer(image, MEDIA_TYPE.inToto, sampleStatement(amd.digest, SPDX, {}).bytes);
  await assert.rejects(preview(place, `${place.name("a")}@${image.digest}`), fails("verification", new RegExp(`^attestation ${stray.digest} `)));
  // What is not kept need not be right.
  const kept = await previewOf(place, { sources: [place.name("a:statement")], tags: [], platforms: ["linux/amd64"] });
  assert.deepEqual(digests(kept), [amd.digest, ofAmd.digest]);
});

test("leaves no name where it fails half-way, in whatever repository", async () => {
  await using place = await openEvidencePlace();

  await attested(place, "linux/amd64", "1");
  const tags = [place.name("b:1"), place.name("c:1"), place.name("c:2")];
  place.registry.intercept = (request, response, url) => {
    if (request.method !== "PUT" || !url.pathname.startsWith("/v2/c/manifests/sha256:")) return false;
    response.writeHead(403, { "content-type": "application/json" }).end('{"errors":[{"code":"DENIED"}]}');
    return true;
  };
  await assert.rejects(create(place, { sources: [place.name("a:1")], tags }), refuses("denied", `copy sha256:`, `from ${place.name("a:1")} to ${place.name("c:1")}, ${place.name("c:2")}: `));
  assert.deepEqual([...place.registry.tags.keys()], ["a:1"]);
});

test("brings what something is about before it, for registries that take it in no other order", async () => {
  await using place = await openEvidencePlace();
  await using strict = await openEvidencePlace({ refuse: REFUSING.subjectsFirst });

  const image = await place.samples.image("linux/amd64", "1");
  const attestation = await place.samples.attestation(image, [sampleStatement(image.digest, SLSA_V1, {})]);
  const index = await place.samples.index([attestation, image], "1");
  const signature = await place.samples.referrer(index, "application/vnd.dev.cosign.artifact.sig.v1+json", Buffer.from("s"));
  await createImage({ sources: [place.name("a:1")], tags: [strict.name("b:1")] }, optionsOf(place), place.signal);
  assert.equal(strict.registry.tags.get("b:1"), index.digest);
  assert.ok(strict.registry.manifests.has(`b@${signature.digest}`));
});

test("takes attestations of the form that some registries need into the index too", async () => {
  await using place = await openEvidencePlace();

  const image = await place.samples.image("linux/amd64", "1");
  const layers = [{ ...(await place.samples.blob(MEDIA_TYPE.inToto, sampleStatement(image.digest, SLSA_V1, {}).bytes)), annotations: { "in-toto.io/predicate-type": SLSA_V1 } }];
  const config = await place.samples.blob(MEDIA_TYPE.ociConfig, Buffer.from("{}"));
  const subject = { mediaType: image.mediaType, digest: image.digest, size: image.size };
  const attestation = await place.samples.manifest({ mediaType: MEDIA_TYPE.ociManifest, config, layers, subject }, undefined);
  const index = await preview(place, `${place.name("a")}@${image.digest}`);
  assert.deepEqual(digests(index), [image.digest, attestation.digest]);
});
