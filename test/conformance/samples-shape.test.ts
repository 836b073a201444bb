import assert from "node:assert/strict";
import { cp, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { conformanceFolder } from "../../src/testing/conformance.ts";
import { comparable, comparableJson, type ComparableOptions } from "./comparable.ts";
import { registryDocuments, sampleDocuments } from "./image-documents.ts";
import { expectedMetadata, openSampleWorkplace, SAMPLE_HOST, samplesSkip, type SampleWorkplace } from "./sample-workplace.ts";

const samples = conformanceFolder("samples");
const skip = samplesSkip;
const ORIGIN = "https://github.com/example/sample.git";
/** The samples' context had one commit when 12 was made, and another one later. */
const SAMPLE_COMMITS = ["65fcfad333c7620077a1bdb5e30ba8273174e59c", "40ce03234bb6d5f659e62548867edde0edce88c5"];

let work: SampleWorkplace;
let context: string;
let commit: string;

before(async () => {
  if (skip !== false) return;
  work = await openSampleWorkplace();
  context = join(work.place.path, "ctx");
  await cp(join(samples.path, "src"), context, { recursive: true });
  const git = (...args: readonly string[]): Promise<string> => work.place.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", ...args], { cwd: context });
  await work.place.run(["chmod", "-R", "u+w,go=u-w", context]);
  await git("init", "--quiet");
  await git("remote", "add", "origin", ORIGIN);
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "sample");
  commit = (await git("rev-parse", "HEAD")).trim();
});

after(async () => {
  if (skip === false) await work[Symbol.asyncDispose]();
});

const ourOptions = (otherTimes: boolean): ComparableOptions => ({ words: [[work.host, "REGISTRY"], [commit, "COMMIT"]], otherTimes, ownMaterial: ORIGIN });
const theirOptions = (otherTimes: boolean): ComparableOptions => ({ words: [[SAMPLE_HOST, "REGISTRY"], ...SAMPLE_COMMITS.map((sha): [string, string] => [sha, "COMMIT"])], otherTimes });

async function build(sample: string): Promise<string> {
  const { exitCode, stderr, metadata } = await work.build(sample, context);
  assert.equal(exitCode, 0, stderr);
  return metadata;
}

async function checkMetadata(sample: string, ours: string): Promise<void> {
  const masked = (text: string): unknown => comparableMetadata(JSON.parse(SAMPLE_COMMITS.reduce((changed, sha) => changed.replaceAll(sha, commit), text)) as Metadata);
  const theirs = expectedMetadata(await readFile(join(samples.path, sample, "metadata.json"), "utf8"), ours, work.host);
  assert.deepEqual(masked(ours), masked(theirs));
  assert.deepEqual(Object.keys(JSON.parse(ours) as object), Object.keys(JSON.parse(theirs) as object));
}

interface Metadata {
  readonly "containerimage.descriptor"?: { readonly size: number; readonly annotations?: Readonly<Record<string, string>> };
  readonly [key: string]: unknown;
}

/** Times and lengths of numbers differ; the commit that we checked is a material of ours only. */
function comparableMetadata(metadata: Metadata): unknown {
  return JSON.parse(JSON.stringify(metadata), (key, value: unknown) => {
    if (key === "size") return "(size)";
    if (key === "org.opencontainers.image.created" && typeof value === "string") return value.replaceAll(/\d/g, "0");
    if (key === "containerimage.config.digest") return "(config)";
    if (key === "materials" && Array.isArray(value)) {
      const theirs = (value as Array<{ uri: string }>).filter(({ uri }) => uri !== ORIGIN);
      return theirs.length === 0 ? undefined : theirs;
    }
    return value;
  });
}

/** Each with the tag that it was pushed to; true where times of files are not set back, so that layers differ. */
const PUSHED: ReadonlyArray<readonly [sample: string, reference: string, otherTimes: boolean]> = [
  ["11-multi-platform", "s/multi:1", true], ["12-git-labels", "s/git:1", true], ["13-annotations", "s/annot:1", true], ["14-oci-artifact", "s/ociart:1", true],
  ["15-sde-rewrite-timestamp", "s/sde:1", false], ["16-sde-rewrite-timestamp-again", "s/sde:2", false], ["17-sde-no-rewrite", "s/sde:3", true],
  ["18-zstd-force", "s/zstd:1", true], ["19-docker-mediatypes", "s/dmt:1", true],
];

for (const [sample, reference, otherTimes] of PUSHED) {
  test(`${sample}: index, manifests, configurations and records have the same members`, { skip }, async () => {
    const metadata = await build(sample);
    const [repository = "", tag = ""] = reference.split(":");
    const ours = comparable(await registryDocuments(work.host, repository, tag), ourOptions(otherTimes));
    const theirs = comparable(sampleDocuments(join(samples.path, sample, "registry")), theirOptions(otherTimes));
    assert.deepEqual(ours, theirs);
    assert.equal(JSON.stringify(ours), JSON.stringify(theirs), "members stand in another order");
    await checkMetadata(sample, metadata);
  });
}

/** What listings show of names, kinds and modes: no digests, no dates of this build, no lengths that hang on either. */
function shapeOf(listing: string): string {
  return listing
    .replaceAll(/[0-9a-f]{64}/g, "…")
    .replaceAll(/"size":\d+/g, '"size":N')
    .replaceAll(/ +\d+ ((?:19|20)\d\d-\d\d-\d\d)/g, " N $1")
    .replaceAll(/20\d\d-\d\d-\d\d[T ]?(?:\d\d:\d\d(?::\d\dZ)?)?/g, "DATE")
    .replaceAll(/^(.* N 1970-01-01 00:00 blobs\/sha256\/…\n)+/gm, (rows) => `${rows.split("\n").length - 1} blobs\n${[...new Set(rows.split("\n"))].join("\n")}`);
}

for (const sample of ["20-local", "21-local-multi-platform", "22-tar", "23-oci-tar", "24-oci-dir", "25-docker-tar"]) {
  test(`${sample}: the output is listed as BuildKit's is`, { skip }, async () => {
    const metadata = await build(sample);
    const listing = (await work.lookAtOutput(sample, context)).replaceAll(work.outputOf(""), "/samples");
    const expected = await readFile(join(samples.path, sample, "stdout"), "utf8");
    assert.equal(shapeOf(listing).trimEnd(), shapeOf(expected).replaceAll(SAMPLE_HOST, work.host).trimEnd());
    await checkMetadata(sample, metadata);
  });
}

/** BuildKit tells of layers here if an earlier build happened to compress them; we tell of an image's only. */
function withoutLayers(record: unknown): unknown {
  return JSON.parse(JSON.stringify(record), (key, value: unknown) => (key === "layers" ? undefined : value));
}

test("records beside files say what BuildKit's say, of the same files", { skip }, async () => {
  for (const path of ["20-local/out/provenance.json", "21-local-multi-platform/out/linux_arm64/provenance.json"]) {
    const ours = await readFile(work.outputOf(path), "utf8");
    const theirs = await readFile(join(samples.path, path), "utf8");
    assert.deepEqual(withoutLayers(comparableJson(ours, ourOptions(true))), withoutLayers(comparableJson(theirs, theirOptions(true))), path);
    // Two blanks for each level, no newline at the end.
    assert.equal(ours, JSON.stringify(JSON.parse(ours), undefined, 2), path);
  }
  assert.deepEqual((await readdir(work.outputOf("21-local-multi-platform/out"))).toSorted(), ["linux_amd64", "linux_arm64"]);
});

test("oci-artifact=false gives the older attestation manifest, and its record is found all the same", { skip }, async () => {
  const name = `${work.host}/s/legacy:1`;
  const { exitCode, stderr } = await work.place.stemma(["build", "--provenance=mode=max", "--output", `type=image,name=${name},push=true,oci-artifact=false`, "-f", "Dockerfile.multi", "."], { cwd: context });
  assert.equal(exitCode, 0, stderr);
  const [, attestation] = (await registryDocuments(work.host, "s/legacy", "1")).manifests;
  const manifest = JSON.parse(attestation?.text ?? "{}") as { readonly layers: ReadonlyArray<{ readonly digest: string }> };
  assert.deepEqual(Object.keys(manifest), ["schemaVersion", "mediaType", "config", "layers"]);
  const rootfs = { type: "layers", diff_ids: manifest.layers.map(({ digest }) => digest) };
  assert.deepEqual(JSON.parse(attestation?.config ?? "{}"), { architecture: "unknown", os: "unknown", config: {}, rootfs });
  const inspected = await work.place.stemma(["imagetools", "inspect", "--format", "{{ json .Provenance.SLSA.buildDefinition.buildType }}", name]);
  assert.match(inspected.stdout, /slsa-definitions\.md/, inspected.stderr);
});

test("an output on standard output has the bytes of the same output in a file", { skip }, async () => {
  for (const [type, output] of [["tar", "-"], ["oci", "type=oci"], ["docker", "type=docker,dest=-"]] as const) {
    const flags = ["build", "--provenance=false", "-f", "Dockerfile.multi", "."];
    const env = { SOURCE_DATE_EPOCH: "1700000000" };
    const path = join(work.place.path, `${type}.tar`);
    const toFile = await work.place.stemma([...flags, "--output", `type=${type},dest=${path}`], { cwd: context, env });
    assert.equal(toFile.exitCode, 0, toFile.stderr);
    assert.equal(toFile.stdout, "");
    const { exitCode, stdout, stderr } = await work.place.stemma([...flags, "--output", output], { cwd: context, env });
    assert.equal(exitCode, 0, stderr);
    assert.ok(stdout === await readFile(path, "utf8"), type);
  }
});
