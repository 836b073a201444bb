import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, mkdtempDisposableSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import type { Member } from "../archive/member.ts";
import { writeTar } from "../archive/tar-writer.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf, parseDigest, type Digest, type DiffId } from "../content/digest.ts";
import { memoryBlobStore } from "../store/memory-blob-store.ts";
import type { WhileLocked } from "../store/while-locked.ts";
import { conformanceFolder } from "../testing/conformance.ts";
import { eventually } from "../testing/eventually.ts";
import { openHalfMadeBlobs } from "../testing/half-made-blob.ts";
import { file, members } from "../testing/layer-samples.ts";
import { layerOf } from "../testing/tree-text.ts";
import { assembleImage, type PlatformImage } from "./assemble.ts";
import { imageContent, type LayerBlob } from "./layer-blob.ts";
import { dockerMembers, layoutMembers, type ReadableImage } from "./layout.ts";
import { LayoutExport } from "./layout-export.ts";
import { openOciLayout } from "../registry/oci-layout.ts";
import type { EvidenceForm } from "./evidence.ts";
import type { Statement } from "./statement.ts";

const signal = new AbortController().signal;
const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-layout-"));
after(() => scratch.remove());

const samples = conformanceFolder("samples");
const withSkopeo = existsSync("/usr/bin/skopeo") ? false : "skopeo is not installed";

const FORM = { names: [], compression: { kind: "gzip", level: undefined, force: false }, mediaTypes: "oci", compat: undefined, evidence: { store: { kind: "index" }, artifact: true }, attestInline: false, rewriteTimestamp: false, epoch: undefined, annotations: [], prefersRoot: false } as const;
const MiB = 1024 * 1024;
const SIZE_BYTES_MAX = 8 * MiB;
/** Nobody else writes here. */
const alone: WhileLocked = (_path, work) => work();
let places = 0;
const place = (name: string): string => join(scratch.path, `${places++}-${name}`);

/** A real image of one layer, with a statement where asked for. */
async function realImage(text: string, architectures: readonly string[] = ["amd64"], statements: readonly Statement[] = [], place: EvidenceForm["place"] = "index"): Promise<ReadableImage> {
  const tar = await collectBytes(writeTar(members(file("f", text))), SIZE_BYTES_MAX);
  const digest = digestOf(tar);
  const blobs = memoryBlobStore();
  await blobs.write(digest, bytesOf(tar), signal);
  // The digest of an uncompressed tar is a diff id by definition.
  const layer: LayerBlob = { layer: layerOf("f", []), origin: undefined, createdNs: 0n, diffId: digest as string as DiffId, descriptor: { mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size: tar.length } };
  const image = assembleImage(architectures.map((architecture): PlatformImage => ({
    platform: { os: "linux", architecture }, layers: [layer], statements,
    config: Buffer.from(JSON.stringify({ architecture, os: "linux", config: { Labels: { of: text } }, history: [{ created_by: "COPY f /" }] })),
  })), FORM, { epochNs: undefined, indexAlways: false, evidence: { place, manifest: "artifact" } });
  return { image, content: imageContent(image.documents, image.layers, blobs) };
}

/** The image of samples 11 to 25, whose only layer is not among them: zeros stand for it. */
function sampleImage(statements: readonly Statement[]): ReadableImage {
  const config = readFileSync(join(samples.path, "11-multi-platform/registry/manifest0-amd64.config.json"));
  const { rootfs } = JSON.parse(config.toString("utf8")) as { rootfs: { diff_ids: string[] } };
  const descriptor = { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: parseDigest("sha256:9aa133bddf7fa3beb76b31bcd3499250f6c1072a006c5c14e4091493c69c3c7c"), size: 160 };
  const layer: LayerBlob = { layer: layerOf("app", []), origin: undefined, createdNs: undefined, diffId: parseDigest(rootfs.diff_ids[0] ?? "") as string as DiffId, descriptor };
  const image = assembleImage([{ platform: { architecture: "amd64", os: "linux" }, config, layers: [layer], statements }], FORM, { epochNs: undefined, indexAlways: false, evidence: { place: "index", manifest: "artifact" } });
  return { image, content: { read: (digest) => bytesOf(image.documents.get(digest) ?? Buffer.alloc(digest === descriptor.digest ? descriptor.size : 0)) } };
}

async function writeArchive(path: string, files: AsyncIterable<Member>): Promise<string> {
  writeFileSync(path, await collectBytes(writeTar(files), SIZE_BYTES_MAX));
  return path;
}

const tar = (...args: readonly string[]): string => execFileSync("tar", args, { encoding: "utf8", env: { PATH: process.env["PATH"], TZ: "UTC" } });
const skopeo = (...args: readonly string[]): unknown => JSON.parse(execFileSync("skopeo", ["--override-arch", "amd64", "inspect", ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }));

test("a docker archive is listed as BuildKit's is, and its documents have the same bytes", { skip: samples.skip }, async () => {
  const naming = { names: ["x/y:z"], created: "2026-11-22T11:08:51Z" };
  const archive = await writeArchive(place("docker.tar"), dockerMembers(sampleImage([]), naming, signal));
  const documents = ["index.json", "manifest.json"].map((name) => tar("-xOf", archive, name));
  assert.equal([tar("-tvf", archive), ...documents].join(""), readFileSync(join(samples.path, "25-docker-tar/stdout"), "utf8").trimEnd());
  assert.equal(tar("-xOf", archive, "oci-layout"), readFileSync(join(samples.path, "25-docker-tar/oci-layout"), "utf8"));
});

test("an OCI archive has the members of BuildKit's in the same order, with the same modes and times", { skip: samples.skip }, async () => {
  const naming = { names: ["127.0.0.1:5555/s/oci:1"], created: "2026-11-22T11:08:50Z" };
  const statement: Statement = { predicateType: "https://slsa.dev/provenance/v1", bytes: readFileSync(join(samples.path, "11-multi-platform/registry/manifest2-attestation.layer0.slsa.dev_provenance_v1.json")), filename: "" };
  const archive = await writeArchive(place("oci.tar"), layoutMembers(sampleImage([statement]), naming, signal));
  // The statement is another one, and with it the manifests that name it.
  const masked = (text: string): string => text.replaceAll(/\d+ (1970-01-01 00:00 blobs\/sha256\/)[0-9a-f]{64}/g, "N $1…").replaceAll(/ +N/g, " N").replace(/"sha256:[0-9a-f]{64}"/, "…");
  const expected = readFileSync(join(samples.path, "23-oci-tar/stdout"), "utf8");
  assert.equal(masked(tar("-tvf", archive) + tar("-xOf", archive, "index.json")), masked(expected.trimEnd()));
  const names = tar("-tf", archive).split("\n").filter((name) => name.startsWith("blobs/sha256/") && name !== "blobs/sha256/");
  assert.deepEqual(names, names.toSorted());
});

test("skopeo reads an OCI archive and a docker archive by their names", { skip: withSkopeo }, async () => {
  const readable = await realImage("archive");
  const naming = { names: ["stemma.example/app:1", "app"], created: "2026-01-01T00:00:00Z" };
  const oci = await writeArchive(place("oci.tar"), layoutMembers(readable, naming, signal));
  const docker = await writeArchive(place("docker.tar"), dockerMembers(readable, naming, signal));
  for (const name of [`oci-archive:${oci}:1`, `oci-archive:${oci}:latest`, `docker-archive:${docker}:stemma.example/app:1`, `docker-archive:${docker}:app:latest`]) {
    const { Labels, Layers } = skopeo(name) as { Labels: Record<string, string>; Layers: string[] };
    assert.deepEqual(Labels, { of: "archive" }, name);
    assert.deepEqual(Layers, readable.image.layers.map(({ descriptor }) => descriptor.digest), name);
  }
});

test("an image of several platforms with statements becomes a directory that skopeo reads", { skip: withSkopeo }, async () => {
  const path = place("layout");
  const statement: Statement = { predicateType: "https://slsa.dev/provenance/v1", bytes: Buffer.from("{}"), filename: "" };
  const readable = await realImage("several", ["amd64", "arm64"], [statement]);
  await new LayoutExport(path, alone).write(readable, { names: ["a:1"], created: "2026-01-01T00:00:00Z" }, signal);
  assert.equal((skopeo(`oci:${path}:1`) as { Architecture: string }).Architecture, "amd64");
  const index = JSON.parse(readFileSync(join(path, "index.json"), "utf8")) as { manifests: Array<{ digest: Digest }> };
  assert.deepEqual(index.manifests.map(({ digest }) => digest), [readable.image.root.digest]);
  assert.deepEqual(readdirSync(path).toSorted(), ["blobs", "index.json", "oci-layout"]);
  for (const name of readdirSync(join(path, "blobs/sha256"))) {
    assert.equal(digestOf(readFileSync(join(path, "blobs/sha256", name))), `sha256:${name}`);
    assert.equal(lstatSync(join(path, "blobs/sha256", name)).mode & 0o777, 0o444);
  }
});

test("what is found by its subject stands in the index without a name: other tools see the image, and its referrers are found", { skip: withSkopeo }, async () => {
  const path = place("referrers");
  const statement: Statement = { predicateType: "https://slsa.dev/provenance/v1", bytes: Buffer.from("{}"), filename: "" };
  const readable = await realImage("referred to", ["amd64"], [statement], "referrers");
  const { root, attestations } = readable.image;
  // Twice: entries do not gather.
  for (const _ of [1, 2]) await new LayoutExport(path, alone).write(readable, { names: ["a:1"], created: "2026-01-01T00:00:00Z" }, signal);
  assert.deepEqual((skopeo(`oci:${path}:1`) as { Labels: unknown }).Labels, { of: "referred to" });
  await using layout = await openOciLayout(path, signal);

  assert.equal((await layout.only(signal))?.digest, root.digest, "what is about an image is none");
  const [found, ...more] = await layout.referrers(root.digest, signal);
  assert.deepEqual([found?.digest, found?.artifactType, more], [attestations[0]?.digest, "application/vnd.docker.attestation.manifest.v1+json", []]);
  assert.equal(found?.annotations?.["io.containerd.manifest.subject"], root.digest);
});

interface Index {
  readonly manifests: ReadonlyArray<{ readonly digest: string; readonly annotations: Readonly<Record<string, string>> }>;
}

test("a layout directory keeps what it had, and of one name the last image", { skip: withSkopeo }, async () => {
  const path = place("shared");
  const created = "2026-01-01T00:00:00Z";
  const first = await realImage("first");
  const second = await realImage("second");
  await new LayoutExport(path, alone).write(first, { names: ["a:1"], created }, signal);
  await new LayoutExport(path, alone).write(first, { names: ["b:2"], created }, signal);
  await new LayoutExport(path, alone).write(second, { names: ["a:1"], created }, signal);
  const { manifests } = JSON.parse(readFileSync(join(path, "index.json"), "utf8")) as Index;
  assert.deepEqual(manifests.map(({ annotations, digest }) => [annotations["io.containerd.image.name"], digest]), [
    ["docker.io/library/b:2", first.image.root.digest], ["docker.io/library/a:1", second.image.root.digest],
  ]);
  assert.deepEqual((skopeo(`oci:${path}:1`) as { Labels: unknown }).Labels, { of: "second" });
  assert.deepEqual((skopeo(`oci:${path}:2`) as { Labels: unknown }).Labels, { of: "first" });
});

test("in a directory an image without a name is tagged as latest, and of several the last one is", { skip: withSkopeo }, async () => {
  const path = place("unnamed");
  const naming = { names: [], created: "2026-01-01T00:00:00Z" };
  await new LayoutExport(path, alone).write(await realImage("named"), { ...naming, names: ["a:latest"] }, signal);
  for (const text of ["first", "second"]) await new LayoutExport(path, alone).write(await realImage(text), naming, signal);
  const { manifests } = JSON.parse(readFileSync(join(path, "index.json"), "utf8")) as Index;
  assert.deepEqual(manifests.map(({ annotations }) => annotations), [
    { "io.containerd.image.name": "docker.io/library/a:latest", "org.opencontainers.image.created": naming.created, "org.opencontainers.image.ref.name": "latest" },
    { "org.opencontainers.image.created": naming.created, "org.opencontainers.image.ref.name": "latest" },
  ]);
  const only = place("only");
  await new LayoutExport(only, alone).write(await realImage("second"), naming, signal);
  assert.deepEqual((skopeo(`oci:${only}:latest`) as { Labels: unknown }).Labels, { of: "second" });
});

test("a name with a digest is tagged by both, as containerd splits it", async () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const path = place("digest");
  await new LayoutExport(path, alone).write(await realImage("named"), { names: [`a@${digest}`, `a:1@${digest}`], created: "2026-01-01T00:00:00Z" }, signal);
  const { manifests } = JSON.parse(readFileSync(join(path, "index.json"), "utf8")) as Index;
  assert.deepEqual(manifests.map(({ annotations }) => annotations?.["org.opencontainers.image.ref.name"]), [`@${digest}`, `1@${digest}`]);
});

test("a blob that cannot be read leaves neither a half file nor an index that names it", async () => {
  const path = place("broken");
  const readable = await realImage("broken");
  const [layer] = readable.image.layers;
  const content: ReadableImage["content"] = {
    async *read(digest, s) {
      if (digest === layer?.descriptor.digest) {
        yield Buffer.from("half");
        throw new Error("the registry went away");
      }
      yield* readable.content.read(digest, s);
    },
  };
  await assert.rejects(new LayoutExport(path, alone).write({ image: readable.image, content }, { names: ["a:1"], created: "2026-01-01T00:00:00Z" }, signal), /went away/);
  assert.equal(existsSync(join(path, "index.json")), false);
  assert.equal(existsSync(join(path, "blobs", layer?.descriptor.digest.replace(":", "/") ?? "")), false);
  assert.deepEqual(readdirSync(join(path, "blobs/sha256")).filter((name) => name.length !== 64), []);
});

function blobsIn(path: string): readonly string[] {
  return existsSync(join(path, "blobs/sha256")) ? readdirSync(join(path, "blobs/sha256")) : [];
}

function layerOfImage({ image }: ReadableImage): Digest {
  return image.layers[0]?.descriptor.digest ?? assert.fail("no layer");
}

const LARGE = "a layer that takes a while ".repeat(100_000);
const NAMING = { names: ["a:1"], created: "2026-01-01T00:00:00Z" };

test("a layer is copied while it is made, is not read once more, and gets its name with the image", async () => {
  const path = place("early");
  using blobs = await openHalfMadeBlobs();
  const readable = await realImage(LARGE);
  const digest = layerOfImage(readable);
  const [layer, other] = [await blobs.make(await collectBytes(readable.content.read(digest, signal), SIZE_BYTES_MAX), MiB), await blobs.make(Buffer.alloc(2 * MiB), MiB)];
  const read: Digest[] = [];
  const content: ReadableImage["content"] = {
    async *read(wanted, s) {
      read.push(wanted);
      yield* readable.content.read(wanted, s);
    },
  };
  {
    await using directory = new LayoutExport(path, alone);
    for (const { blob } of [layer, other]) directory.early(blob);
    await eventually("both are begun", () => blobsIn(path).length === 2 && blobsIn(path).every((name) => statSync(join(path, "blobs/sha256", name)).size === MiB));
    await Promise.all([layer.end(), other.end()]);
    assert.deepEqual(blobsIn(path).filter((name) => name.length === 64), [], "nobody has it before the image");
    await directory.write({ image: readable.image, content }, NAMING, signal);
  }
  assert.ok(!read.includes(digest) && read.length > 0);
  assert.deepEqual(blobsIn(path).filter((name) => name.length !== 64), [], "what the image has no part of is taken away");
  const written = join(path, "blobs", digest.replace(":", "/"));
  assert.deepEqual([digestOf(readFileSync(written)), lstatSync(written).mode & 0o777], [digest, 0o444]);
});

test("a layer that could not be copied while it was made is written with the image", async () => {
  const path = place("late");
  using blobs = await openHalfMadeBlobs();
  const readable = await realImage(LARGE);
  const layer = await blobs.make(await collectBytes(readable.content.read(layerOfImage(readable), signal), SIZE_BYTES_MAX), MiB);
  await using directory = new LayoutExport(path, alone);
  directory.early({ ...layer.blob, read: () => bytesOf(), digest: undefined, exceeds: () => Promise.resolve(false) });
  await layer.end();
  await directory.write(readable, NAMING, signal);
  assert.equal(digestOf(readFileSync(join(path, "blobs", layerOfImage(readable).replace(":", "/")))), layerOfImage(readable));
});

test("where no image comes of it nothing stays that was not there", async () => {
  using blobs = await openHalfMadeBlobs();
  const above = place("above");
  for (const [path, before] of [[join(above, "new"), undefined], [join(above, "old"), "index.json"], [join(above, "blobs"), "blobs/sha256/other"]] as const) {
    if (before !== undefined) {
      mkdirSync(dirname(join(path, before)), { recursive: true });
      writeFileSync(join(path, before), "{}");
    }
    const { blob, fail } = await blobs.make(Buffer.alloc(2 * MiB), MiB);
    {
      await using directory = new LayoutExport(path, alone);
      directory.early(blob);
      await eventually("it is begun", () => blobsIn(path).some((name) => name.startsWith("early.")));
      if (before === undefined) await fail();
    }
    if (before === undefined) assert.equal(existsSync(above), false);
    else assert.deepEqual(readdirSync(path, { recursive: true }).filter((name) => statSync(join(path, String(name))).isFile()), [before]);
  }
});

test("a docker archive without a name has null for its tags, as Go's has", async () => {
  const { image, content } = await realImage("unnamed");
  const parts = await Array.fromAsync(dockerMembers({ image, content }, { names: [], created: "2023-11-14T22:13:20Z" }, signal), async ({ entry, content: bytes }) => [entry.path, (await collectBytes(bytes, SIZE_BYTES_MAX)).toString()] as const);
  const [manifest] = JSON.parse(new Map(parts).get("manifest.json") ?? "") as ReadonlyArray<{ RepoTags: unknown }>;
  assert.equal(manifest?.RepoTags, null);
});

test("an archive without a name has one entry without one; the time stands on it, unless an annotation says another", async () => {
  const { image, content } = await realImage("nameless");
  const annotated = { ...image, root: { ...image.root, annotations: { "org.opencontainers.image.created": "2001-01-01T00:00:00Z" } } };
  for (const [each, time] of [[image, "2026-01-01T00:00:00Z"], [annotated, "2001-01-01T00:00:00Z"]] as const) {
    const archive = await writeArchive(place("nameless.tar"), layoutMembers({ image: each, content }, { names: [], created: "2026-01-01T00:00:00Z" }, signal));
    const { manifests } = JSON.parse(tar("-xOf", archive, "index.json")) as Index;
    assert.deepEqual(manifests.map(({ annotations }) => annotations), [{ "org.opencontainers.image.created": time }]);
  }
});
