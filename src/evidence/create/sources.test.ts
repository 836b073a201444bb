import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../content/digest.ts";
import type { ImageIndex } from "../../oci/manifest.ts";
import { MEDIA_TYPE } from "../../oci/media-type.ts";
import { openEvidencePlace, type EvidencePlace } from "../../testing/evidence-place.ts";
import { EvidenceSamples } from "../../testing/evidence-samples.ts";
import { LayoutDirectory } from "../../testing/layout-directory.ts";
import { EvidenceError, type EvidenceErrorCode } from "../evidence-error.ts";
import { createImage, previewImage, type CreateOptions, type CreateRequest } from "./create-image.ts";

const NOWHERE = digestOf(Buffer.from("nothing"));

function optionsOf(place: EvidencePlace): CreateOptions {
  return { client: place.client, cwd: "/", host: { os: "linux", architecture: "amd64" }, clock: { now: () => new Date(0), nowNs: () => 0n }, report: () => undefined };
}

async function text(place: EvidencePlace, request: Partial<CreateRequest>): Promise<string> {
  return Buffer.from((await previewImage({ sources: [], tags: [], ...request }, optionsOf(place), place.signal)).bytes).toString();
}

async function index(place: EvidencePlace, request: Partial<CreateRequest>): Promise<ImageIndex> {
  return JSON.parse(await text(place, request)) as ImageIndex;
}

async function refuses(place: EvidencePlace, request: Partial<CreateRequest>, code: EvidenceErrorCode, message: string): Promise<void> {
  await assert.rejects(text(place, request), (error) => {
    assert.ok(error instanceof EvidenceError, error instanceof Error ? error.stack : String(error));
    assert.deepEqual([error.code, error.message.slice(0, message.length)], [code, message]);
    return true;
  });
}

test("says in buildx's words what is wrong with its sources", async () => {
  await using place = await openEvidencePlace();

  const image = await place.samples.image("linux/amd64", "1", MEDIA_TYPE.ociManifest, "1");
  const one = place.name("a:1");
  const unparsed = (source: string, why: string): readonly [Partial<CreateRequest>, string] =>
    [{ sources: [source], tags: [one] }, `failed to parse source ${JSON.stringify(source)}, valid sources are digests, references and descriptors: ${why}`];
  const cases: ReadonlyArray<readonly [request: Partial<CreateRequest>, message: string]> = [
    [{}, "no sources specified"],
    [{ sources: [image.digest] }, "no repositories specified, please set a reference in tag or source"],
    [{ sources: [image.digest, place.name("b:1")], tags: [one] }, `multiple repositories specified, cannot infer repository for "${image.digest}"`],
    unparsed("UPPER", "invalid reference format: repository name (library/UPPER) must be lowercase"),
    unparsed("a b", "invalid reference format"),
    unparsed("sha256:abc", "invalid checksum digest length"),
    unparsed("sha256", "invalid checksum digest format"),
    unparsed('{"schemaVersion":2,"manifests":[]}', "expected an OCI content descriptor, got a manifest or index (schemaVersion 2)"),
    unparsed("{", "unexpected end of JSON input"),
    unparsed('{"digest":', "unexpected end of JSON input"),
    unparsed('{"digest":"a', "unexpected end of JSON input"),
    unparsed('{"mediaType":"x"}', "invalid descriptor: digest is required"),
    unparsed('{"digest":"nope"}', "invalid descriptor digest: invalid checksum digest format"),
    [{ sources: [JSON.stringify({ digest: image.digest, size: 7 })], tags: [one] }, `invalid size mismatch for ${image.digest}, 7 != ${image.size}`],
    [{ sources: [one], annotations: ["a=b"] }, '"" annotations are not supported yet'],
    [{ sources: [one], annotations: ["manifest:a=b"] }, '"manifest" annotations are not supported yet'],
    [{ sources: [one], annotations: ["index-descriptor:a=b"] }, '"index-descriptor" annotations are invalid while creating an image'],
    [{ sources: [one], annotations: ["index:a"] }, 'failed to parse annotations: invalid annotation "index:a", expected key=value'],
    [{ sources: [one], annotations: ["other:a=b"] }, 'failed to parse annotations: unknown annotation type "other"'],
    [{ sources: [one], annotations: ["Index:a=b"] }, 'failed to parse annotations: invalid annotation type "Index", expected type and optional platform in square brackets'],
    [{ sources: [one], tags: ["oci-layout://out"] }, "oci-layout://out: an image is created in a registry"],
  ];
  for (const [request, message] of cases) await refuses(place, request, "usage", message);
  await refuses(place, { sources: [place.name("a:none")] }, "not-found", `${place.name("a:none")}: not found`);
  await refuses(place, { sources: [NOWHERE], tags: [one] }, "not-found", `${place.name("a")}@${NOWHERE}: not found`);
  const create = (request: CreateRequest): Promise<unknown> => createImage(request, optionsOf(place), place.signal);
  await assert.rejects(create({ sources: [], tags: [] }), { message: "no sources specified" });
  await assert.rejects(create({ sources: [one], tags: [] }), { message: "can't push with no tags specified, please set --tag or --dry-run" });
  await assert.rejects(create({ sources: [one], tags: [`${place.name("b")}@${NOWHERE}`] }), (error) => error instanceof EvidenceError && error.message.startsWith(`target ${place.name("b")}@${NOWHERE} requested digest ${NOWHERE} but produced sha256:`));
  assert.deepEqual([...place.registry.tags.keys()], ["a:1"]);
});

test("puts an index around a single manifest, or leaves it as it is", async () => {
  await using place = await openEvidencePlace();

  const image = await place.samples.image("linux/arm/v7", "1", MEDIA_TYPE.ociManifest, "1");
  const { platform: _platform, ...bare } = image;
  assert.equal(await text(place, { sources: [place.name("a:1")] }), JSON.stringify({
    schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex,
    manifests: [{ ...bare, platform: { architecture: "arm", os: "linux", variant: "v7" } }],
  }, undefined, 2));
  const request = { sources: [place.name("a:1")], tags: [place.name("b:1")], preferIndex: false };
  const { descriptor, metadata } = await createImage(request, optionsOf(place), place.signal);
  assert.deepEqual(descriptor, { ...bare, platform: { architecture: "arm", os: "linux", variant: "v7" } });
  assert.equal(place.registry.tags.get("b:1"), image.digest);
  assert.deepEqual((JSON.parse(metadata) as Record<string, unknown>)["containerimage.descriptor"], descriptor);
});

test("takes what a descriptor says before what the registry says", async () => {
  await using place = await openEvidencePlace();

  const image = await place.samples.image("linux/amd64", "1", MEDIA_TYPE.ociManifest, "1");
  const other = await place.samples.image("linux/arm64", "2", MEDIA_TYPE.ociManifest, "2");
  const platform = { architecture: "amd64", os: "windows", "os.version": "10.1", "os.features": ["win32k"] };
  const descriptor = JSON.stringify({ artifactType: "x/y", annotations: { b: "1", a: "<2>" }, platform, digest: image.digest });
  const { manifests } = await index(place, { sources: [descriptor, place.name("a:2")] });
  assert.deepEqual(manifests, [{ mediaType: MEDIA_TYPE.ociManifest, digest: image.digest, size: image.size, annotations: { a: "<2>", b: "1" }, platform, artifactType: "x/y" }, other]);
  assert.deepEqual(Object.keys(manifests[0] ?? {}), ["mediaType", "digest", "size", "annotations", "platform", "artifactType"]);
  assert.match(await text(place, { sources: [descriptor], tags: [place.name("a:3")] }), /"a": "\\u003c2\\u003e"/);
});

test("appends to what the first tag names, and names each manifest once", async () => {
  await using place = await openEvidencePlace();

  const amd = await place.samples.image("linux/amd64", "amd", MEDIA_TYPE.ociManifest, "1");
  const arm = await place.samples.image("linux/arm64", "arm", MEDIA_TYPE.ociManifest, "arm");
  const append = { append: true, tags: [place.name("a:1"), place.name("a:2")], sources: [place.name("a:arm")] };
  await createImage(append, optionsOf(place), place.signal);
  assert.equal(place.registry.tags.get("a:1"), place.registry.tags.get("a:2"));
  assert.deepEqual((await index(place, { sources: [place.name("a:1")] })).manifests, [amd, arm]);
  await createImage(append, optionsOf(place), place.signal);
  assert.deepEqual((await index(place, { sources: [place.name("a:1")] })).manifests, [amd, arm]);
  await refuses(place, { ...append, tags: [place.name("a:none")] }, "not-found", `${place.name("a:none")}: not found`);
});

test("annotates the index and its entries, by platform", async () => {
  await using place = await openEvidencePlace();

  const [amd, arm] = [await place.samples.image("linux/amd64", "amd"), await place.samples.image("linux/arm64", "arm")];
  await place.samples.index([amd, arm], "1");
  const annotations = ["index:z=1", "index:a=2", "manifest-descriptor:k=all", "manifest-descriptor[linux/arm64]:k=v=w", "index,manifest-descriptor[linux/amd64]:both=x"];
  const made = await index(place, { sources: [place.name("a:1")], annotations });
  assert.deepEqual(made, {
    schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex,
    manifests: [{ ...amd, annotations: { both: "x", k: "all" } }, { ...arm, annotations: { k: "v=w" } }],
    annotations: { a: "2", both: "x", z: "1" },
  });
});

test("makes a Docker list of Docker's manifests, which takes no annotations", async () => {
  await using place = await openEvidencePlace();

  await place.samples.image("linux/amd64", "amd", MEDIA_TYPE.dockerManifest, "amd");
  await place.samples.image("linux/arm64", "arm", MEDIA_TYPE.dockerManifest, "arm");
  await place.samples.image("linux/s390x", "s390x", MEDIA_TYPE.ociManifest, "oci");
  const docker = [place.name("a:amd"), place.name("a:arm")];
  assert.equal((await index(place, { sources: docker })).mediaType, MEDIA_TYPE.dockerIndex);
  assert.equal((await index(place, { sources: [...docker, place.name("a:oci")] })).mediaType, MEDIA_TYPE.ociIndex);
  await refuses(place, { sources: docker, annotations: ["index:a=b"] }, "usage", "annotations need an OCI index");
});

test("copies an image out of a layout, and out of the repository that a digest is in", async () => {
  await using place = await openEvidencePlace();
  using layout = new LayoutDirectory();

  const config = layout.add(MEDIA_TYPE.ociConfig, { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } });
  layout.tag(layout.add(MEDIA_TYPE.ociManifest, { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers: [layout.add(MEDIA_TYPE.ociLayer, Buffer.from("layer"))] }), "v1");
  await createImage({ sources: [`oci-layout://${layout.path}:v1`], tags: [place.name("b:1")] }, optionsOf(place), place.signal);
  assert.ok(place.registry.blobs.has(`b@${digestOf(Buffer.from("layer"))}`));
  const other = new EvidenceSamples(place.client.repository({ domain: place.registry.host, path: "c" }, "push"), place.signal);
  const { digest } = await other.image("linux/arm64", "arm");
  const { manifests } = await index(place, { sources: [digest, place.name("c@" + digest)] });
  assert.deepEqual(manifests.map((one) => one.digest), [digest]);
});
