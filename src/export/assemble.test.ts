import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseDigest, type DiffId } from "../content/digest.ts";
import { parseRfc3339 } from "../content/timestamp.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { HistoryEntry, ImageConfig } from "../oci/image-config.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import type { Platform } from "../oci/platform.ts";
import { conformanceFolder } from "../testing/conformance.ts";
import { layerOf } from "../testing/tree-text.ts";
import { parseAnnotation } from "./annotations.ts";
import { assembleImage, type AssembledImage, type AssembleOptions, type PlatformImage } from "./assemble.ts";
import { ExportError } from "./error.ts";
import type { LayerBlob } from "./layer-blob.ts";
import type { Statement } from "./statement.ts";
import type { ImageForm } from "./target.ts";

const samples = conformanceFolder("samples");

const FORM: ImageForm = {
  names: ["a/b:1"], compression: { kind: "gzip", level: undefined, force: false }, mediaTypes: "oci", compat: undefined, evidence: { store: { kind: "index" }, artifact: true }, attestInline: true,
  rewriteTimestamp: false, epoch: undefined, annotations: [], prefersRoot: false,
};
const LINUX: Platform = { architecture: "amd64", os: "linux" };
const OPTIONS: AssembleOptions = { epochNs: undefined, indexAlways: false, evidence: { place: "index", manifest: "artifact" } };
const LAYER = sampleLayer({ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: parseDigest(`sha256:${"a".repeat(64)}`), size: 10 }, `sha256:${"b".repeat(64)}`, 5n);

function image(platform: Platform = LINUX, statements: readonly Statement[] = []): PlatformImage {
  const config = { architecture: platform.architecture, os: platform.os, history: [{ created_by: "COPY" }] };
  return { platform, config: Buffer.from(JSON.stringify(config)), layers: [LAYER], statements };
}

const STATEMENT: Statement = { predicateType: "https://slsa.dev/provenance/v1", bytes: Buffer.from("{}"), filename: "provenance.json" };

/** Samples of images that were pushed, with what their command lines say of the form. */
const PUSHED: ReadonlyArray<readonly [folder: string, form?: Partial<ImageForm>, epoch?: string]> = [
  ["01-default"], ["02-prov-max"], ["06-prov-min-v02"], ["07-prov-false"], ["10-sbom-fake-scanner"], ["11-multi-platform"], ["12-git-labels"],
  ["13-annotations", { annotations: ["foo=bar", "index:ix=1", "manifest-descriptor:md=2"].flatMap(parseAnnotation) }],
  ["14-oci-artifact"], ["15-sde-rewrite-timestamp", {}, "2023-11-14T22:13:20Z"], ["17-sde-no-rewrite", {}, "2023-11-14T22:13:20Z"], ["18-zstd-force"],
  ["19-docker-mediatypes", { mediaTypes: "docker" }], ["70-buildctl-image-prov-max"],
  ["rebuildable/91-run-changes/max-v1", {}, "2023-11-14T22:13:20Z"], ["rebuildable/92-multi-stage/min-v02", {}, "2023-11-14T22:13:20Z"],
];

for (const [folder, form = {}, epoch] of PUSHED) {
  test(`${folder} is put together from its parts with BuildKit's bytes`, { skip: samples.skip }, () => {
    const registry = join(samples.path, folder, "registry");
    const [, digest = "", mediaType = ""] = readFileSync(join(registry, "ROOT"), "utf8").trim().split(" ");
    const assembled = assembleImage(readPlatforms(registry), { ...FORM, ...form }, { ...OPTIONS, epochNs: epoch === undefined ? undefined : parseRfc3339(epoch) });
    const documents = readdirSync(registry).filter((file) => file.endsWith(".json"));
    for (const file of documents) {
      const bytes = readFileSync(join(registry, file), "utf8");
      const equal = [...assembled.documents.values()].some((document) => Buffer.from(document).toString("utf8") === bytes);
      if (!equal) assert.equal(closest(assembled, file), bytes, file);
    }
    assert.equal(assembled.root.digest, digest);
    assert.equal(assembled.root.mediaType, mediaType);
  });
}

/** A document of ours of the same kind, to be shown where none is equal. */
function closest(assembled: AssembledImage, file: string): string | undefined {
  const texts = [...assembled.documents.values()].map((document) => Buffer.from(document).toString("utf8"));
  const mark = file.includes("config") ? '"rootfs"' : file.startsWith("index") ? '"manifests"' : file.includes(".layer") ? '"_type"' : '"layers"';
  return texts.find((text) => text.includes(mark));
}

interface SampleManifest extends Manifest {
  readonly layers: readonly Descriptor[];
}

/** What the frontend and the layers had given the exporter. */
function readPlatforms(registry: string): PlatformImage[] {
  const json = (file: string): unknown => JSON.parse(readFileSync(join(registry, file), "utf8"));
  if (!existsSync(join(registry, "index.json"))) return [readPlatform(json("manifest.json") as SampleManifest, json("manifest.config.json") as ImageConfig, [])];
  const { manifests } = json("index.json") as ImageIndex;
  const names = manifests.map((_descriptor, i) => readdirSync(registry).find((file) => file.startsWith(`manifest${i}-`) && /^[^.]*\.json$/.test(file))?.replace(".json", "") ?? "");
  const statementsAbout = (digest: string): Statement[] => {
    const about = manifests.findIndex(({ annotations }) => annotations?.["vnd.docker.reference.digest"] === digest);
    return about === -1 ? [] : readStatements(registry, names[about] ?? "", json(`${names[about]}.json`) as SampleManifest);
  };
  return manifests.flatMap(({ platform, digest }, i) => {
    if (platform === undefined || platform.os === "unknown") return [];
    return [{ ...readPlatform(json(`${names[i]}.json`) as SampleManifest, json(`${names[i]}.config.json`) as ImageConfig, statementsAbout(digest)), platform }];
  });
}

function readPlatform(manifest: SampleManifest, config: ImageConfig, statements: readonly Statement[]): PlatformImage {
  const { history = [], rootfs } = config as ImageConfig & { readonly history?: readonly HistoryEntry[]; readonly rootfs: { readonly diff_ids: readonly string[] } };
  const isOurs = ({ comment }: HistoryEntry): boolean => comment === "buildkit.dockerfile.v0";
  const entries = history.filter(({ empty_layer }) => empty_layer !== true);
  const layers = manifest.layers.map((descriptor, i) => {
    const entry = entries[i];
    // Half a second later than recorded: where SOURCE_DATE_EPOCH was set, it had been cut off.
    const late = entry?.created === "2023-11-14T22:13:20Z" ? 500_000_000n : 0n;
    return sampleLayer(descriptor, rootfs.diff_ids[i] ?? "", entry !== undefined && isOurs(entry) ? parseRfc3339(entry.created ?? "") + late : undefined);
  });
  const open = history.map((entry) => (isOurs(entry) ? withoutCreated(entry) : entry));
  const { created: _created, ...rest } = config as ImageConfig & { readonly created?: string };
  const frontendConfig = { ...rest, history: open, rootfs: { type: "layers" } };
  return { platform: { architecture: config.architecture, os: config.os }, config: Buffer.from(JSON.stringify(frontendConfig)), layers, statements };
}

function withoutCreated({ created: _created, ...entry }: HistoryEntry): HistoryEntry {
  return entry;
}

function readStatements(registry: string, name: string, { layers }: SampleManifest): Statement[] {
  return layers.map(({ annotations }, i) => {
    const file = readdirSync(registry).find((each) => each.startsWith(`${name}.layer${i}.`)) ?? "";
    return { predicateType: annotations?.["in-toto.io/predicate-type"] ?? "", bytes: readFileSync(join(registry, file)), filename: "" };
  });
}

function sampleLayer(descriptor: Descriptor, diffId: string, createdNs: bigint | undefined): LayerBlob {
  return { descriptor, diffId: parseDigest(diffId) as string as DiffId, createdNs, origin: undefined, layer: layerOf("sample", []) };
}

const parse = (assembled: AssembledImage, { digest }: Descriptor): unknown => JSON.parse(Buffer.from(assembled.documents.get(digest) ?? []).toString("utf8"));

test("images stand before attestations, and each manifest is named after what it refers to", () => {
  const arm = { architecture: "arm64", os: "linux" };
  const assembled = assembleImage([image(LINUX, [STATEMENT]), image(arm, [STATEMENT])], FORM, OPTIONS);
  const index = parse(assembled, assembled.root) as ImageIndex;
  assert.deepEqual(index.manifests.map(({ platform }) => platform), [LINUX, arm, { architecture: "unknown", os: "unknown" }, { architecture: "unknown", os: "unknown" }]);
  assert.deepEqual(index.manifests.slice(2).map(({ annotations }) => annotations?.["vnd.docker.reference.digest"]), assembled.platforms.map(({ manifest }) => manifest.digest));
  assert.deepEqual(assembled.manifests.map(({ digest }) => digest), [...index.manifests.map(({ digest }) => digest), assembled.root.digest]);
});

test("oci-artifact=false gives the older attestation manifest: an image of statements, without a subject", () => {
  const assembled = assembleImage([image(LINUX, [STATEMENT])], FORM, { ...OPTIONS, evidence: { place: "index", manifest: "image" } });
  const [attestation] = assembled.attestations;
  assert.ok(attestation !== undefined);
  const manifest = parse(assembled, attestation) as Manifest;
  assert.deepEqual(Object.keys(manifest), ["schemaVersion", "mediaType", "config", "layers"]);
  assert.equal(manifest.config.mediaType, "application/vnd.oci.image.config.v1+json");
  assert.deepEqual(parse(assembled, manifest.config), { architecture: "unknown", os: "unknown", config: {}, rootfs: { type: "layers", diff_ids: manifest.layers.map(({ digest }) => digest) } });
});

test("what is found by its subject leaves the image as it is without statements, and speaks of it", () => {
  for (const manifest of ["artifact", "image"] as const) {
    const plain = assembleImage([image()], FORM, OPTIONS);
    const assembled = assembleImage([image(LINUX, [STATEMENT])], FORM, { ...OPTIONS, evidence: { place: "referrers", manifest } });
    assert.deepEqual(assembled.root, plain.root);
    const [attestation] = assembled.attestations;
    assert.ok(attestation !== undefined);
    const { subject, config, artifactType, layers } = parse(assembled, attestation) as Manifest;
    const { mediaType, digest, size } = plain.root;
    assert.deepEqual([subject, layers.length], [{ mediaType, digest, size }, 1]);
    assert.deepEqual([config.mediaType, artifactType], manifest === "artifact" ? ["application/vnd.oci.empty.v1+json", "application/vnd.docker.attestation.manifest.v1+json"] : ["application/vnd.oci.image.config.v1+json", undefined]);
  }
});

test("several platforms have an index of images then; in both places, the index names the same manifests", () => {
  const images = [image(LINUX, [STATEMENT]), image({ architecture: "arm64", os: "linux" }, [STATEMENT])];
  const apart = assembleImage(images, FORM, { ...OPTIONS, evidence: { place: "referrers", manifest: "artifact" } });
  assert.deepEqual((parse(apart, apart.root) as ImageIndex).manifests.map(({ digest }) => digest), apart.platforms.map(({ manifest }) => manifest.digest));
  assert.equal(apart.attestations.length, 2);
  const both = assembleImage(images, FORM, { ...OPTIONS, evidence: { place: "both", manifest: "artifact" } });
  assert.deepEqual([both.root, both.attestations], [assembleImage(images, FORM, OPTIONS).root, apart.attestations]);
});

test("statements that are kept apart leave no trace in the image", () => {
  const assembled = assembleImage([image(LINUX, [STATEMENT])], FORM, { ...OPTIONS, evidence: { place: "apart", manifest: "image" } });
  const plain = assembleImage([image()], FORM, OPTIONS);
  assert.deepEqual([assembled.root, assembled.documents], [plain.root, plain.documents]);
});

test("a single image without statements has no index, unless one is wanted always", () => {
  assert.equal(assembleImage([image()], FORM, OPTIONS).root.mediaType, "application/vnd.oci.image.manifest.v1+json");
  const wrapped = assembleImage([image()], FORM, { ...OPTIONS, indexAlways: true });
  assert.equal(wrapped.root.mediaType, "application/vnd.oci.image.index.v1+json");
  assert.equal((parse(wrapped, wrapped.root) as ImageIndex).manifests.length, 1);
});

test("a platform is written in one order, however it was parsed", () => {
  const parsed = { variant: "v7", "os.version": "1", os: "linux", architecture: "arm" };
  const assembled = assembleImage([image(parsed), image()], FORM, OPTIONS);
  const [first] = (parse(assembled, assembled.root) as ImageIndex).manifests;
  assert.equal(JSON.stringify(first?.platform), '{"architecture":"arm","os":"linux","os.version":"1","variant":"v7"}');
});

test("annotations for one platform stand on that platform alone, those of the index on the index", () => {
  const annotations = ["manifest[linux/arm64]:only=arm", "manifest-descriptor[linux/amd64]:only=amd", "index[linux/arm64]:of=all", "index-descriptor[linux/amd64]:and=so"].flatMap(parseAnnotation);
  const assembled = assembleImage([image(), image({ architecture: "arm64", os: "linux" })], { ...FORM, annotations }, OPTIONS);
  const index = parse(assembled, assembled.root) as ImageIndex;
  assert.deepEqual(index.manifests.map(({ annotations: on }) => on), [{ only: "amd" }, undefined]);
  assert.deepEqual(assembled.platforms.map(({ manifest }) => (parse(assembled, manifest) as Manifest).annotations), [undefined, { only: "arm" }]);
  assert.deepEqual([(parse(assembled, assembled.root) as ImageIndex).annotations, assembled.root.annotations], [{ of: "all" }, { and: "so" }]);
});

test("the descriptor's annotations stand on the image that has no index too, where what holds it tells of it", () => {
  const annotations = ["manifest-descriptor:md=1", "manifest:m=2"].flatMap(parseAnnotation);
  const assembled = assembleImage([image()], { ...FORM, annotations }, OPTIONS);
  assert.deepEqual(assembled.root.annotations, { md: "1" });
  assert.deepEqual((parse(assembled, assembled.root) as Manifest).annotations, { m: "2" });
});

const refuses = (form: Partial<ImageForm>, statements: readonly Statement[], message: RegExp): void => {
  assert.throws(() => assembleImage([image(LINUX, statements)], { ...FORM, ...form }, OPTIONS), (error) => error instanceof ExportError && error.code === "usage" && message.test(error.message));
};

test("what the wanted form cannot hold is refused in BuildKit's words", () => {
  refuses({ annotations: parseAnnotation("index:a=b") }, [], /^index annotations not supported for single platform export/);
  refuses({ annotations: parseAnnotation("manifest[linux/s390x]:a=b") }, [], /^invalid annotation: no platform linux\/s390x found in source/);
  refuses({ mediaTypes: "docker" }, [STATEMENT], /^cannot export attestations with "oci-mediatypes=false"/);
  refuses({ mediaTypes: "docker", annotations: parseAnnotation("index:a=b") }, [STATEMENT], /^cannot export annotations with "oci-mediatypes=false"/);
});
