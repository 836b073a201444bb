import assert from "node:assert/strict";
import { chmodSync, cpSync, readdirSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { INLINE_CACHE_KEY } from "../../src/cache/inline-cache.ts";
import { checkCacheConfig, parseCacheConfig } from "../../src/cache/parse-cache-config.ts";
import { writeCacheConfig, writeCacheRecords } from "../../src/cache/cache-config.ts";
import { digestOf, parseDigest, type DiffId } from "../../src/content/digest.ts";
import { imageSharedMap } from "../../src/ops/source-shared.ts";
import { recipeDigest } from "../../src/solver/recipe.ts";
import { conformanceFolder } from "../../src/testing/conformance.ts";
import { readCacheLayout } from "../e2e/cache-place.ts";
import { openSampleWorkplace, samplesSkip, type SampleWorkplace } from "./sample-workplace.ts";

const samples = conformanceFolder("samples");
const sample = (path: string): string => join(samples.path, path);

/** What the sample's Debian said of itself; the rest of it is in no record but those of the image. */
const DEBIAN_VERSION = "12.15\n";
const DEBIAN_LAYER = "sha256:61ad7d0b9d2ea32c5f504e5efa88cf7d4597852462bf33b47674eb46bbb5c96b";
const DEBIAN_MANIFEST = parseDigest("sha256:67c5b76304769352ec8fa3a564c3e258354275ab969ee198e8497835ed070a03");

/** Of the sample's Dockerfile, sources left out. */
const STEPS = 7;

/** The sample's context with the modes that it had: they are a part of what is copied. */
async function sampleContext({ place }: SampleWorkplace): Promise<string> {
  const context = join(place.path, "context");
  cpSync(sample("src"), context, { recursive: true });
  for (const entry of readdirSync(context, { recursive: true, withFileTypes: true })) chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  chmodSync(context, 0o755);
  return context;
}

/** An image that is Debian as far as the sample looks into it. */
async function pushDebian({ place, host }: SampleWorkplace): Promise<void> {
  const context = join(place.path, "debian");
  await mkdir(join(context, "etc"), { recursive: true });
  await writeFile(join(context, "etc/debian_version"), DEBIAN_VERSION);
  await writeFile(join(context, "Dockerfile"), "FROM busybox\nCOPY etc /etc\n");
  const { exitCode, stderr } = await place.stemma(["build", "--push", "-t", `${host}/library/debian:bookworm-slim`, context]);
  assert.equal(exitCode, 0, stderr);
}

interface Config {
  readonly layers: readonly object[];
  readonly records: ReadonlyArray<{ readonly digest: string; readonly layers?: ReadonlyArray<{ readonly layer: number }>; readonly inputs?: ReadonlyArray<ReadonlyArray<{ readonly selector?: string; readonly link: number }>> }>;
}

/** Each record by its name, with what leads to it; records of the two images of Debian are one. */
function ways({ records }: Config, debian: ReadonlySet<string>): ReadonlyMap<string, unknown> {
  const nameOf = (link: number): string => (debian.has(records[link]?.digest ?? "") ? "debian" : (records[link]?.digest ?? "nothing"));
  return new Map(records.map(({ inputs = [] }, i) => [nameOf(i), inputs.map((links) => new Set(links.map(({ selector = "", link }) => `${selector} ${nameOf(link)}`)))]));
}

test("records are BuildKit's, digest by digest, and can be found by what BuildKit wrote", { skip: samplesSkip }, async () => {
  await using workplace = await openSampleWorkplace();
  const { place } = workplace;
  await pushDebian(workplace);
  const context = await sampleContext(workplace);
  const build = async (root: string, ...args: string[]): Promise<string> => {
    const run = await place.stemma(["build", "--progress=plain", "--root", join(place.path, root), "-o", "type=cacheonly", ...args, context]);
    assert.equal(run.exitCode, 0, run.stderr);
    return run.stderr;
  };
  const ours = join(place.path, "cache");
  await build("one", "--cache-to", `type=local,dest=${ours},mode=max`);

  const mine = await readCacheLayout(ours);
  const theirs = JSON.parse(await readFile(sample("30-cache-registry/cacheconfig.json"), "utf8")) as Config;
  const theirDebian = imageSharedMap(DEBIAN_MANIFEST, { os: "linux", architecture: "amd64" }, [DEBIAN_LAYER as DiffId]).digests.map((digest) => recipeDigest(digest, 0) as string);
  const theirRecords = new Set(theirs.records.map(({ digest }) => digest));
  assert.deepEqual(theirDebian.filter((digest) => !theirRecords.has(digest)), [], "an image is named by its manifest and by its layers");
  const unknown = mine.config.records.map(({ digest }) => digest).filter((digest) => !theirRecords.has(digest));
  const expected = ways(theirs, new Set(theirDebian));
  const actual = ways(mine.config as Config, new Set(unknown));
  assert.deepEqual(Object.fromEntries([...expected.keys()].map((name) => [name, actual.has(name)])), Object.fromEntries([...expected.keys()].map((name) => [name, true])));
  // We name more of what a step used than BuildKit had to; all that BuildKit says is there.
  for (const [name, inputs] of expected) for (const [i, links] of (inputs as Array<Set<string>>).entries()) assert.deepEqual([...links].filter((link) => !(actual.get(name) as Array<Set<string>>)[i]?.has(link)), [], name);

  await theirRecordsOverOurLayers(theirs, ours);
  const stderr = await build("two", "--cache-from", `type=local,src=${ours}`);
  assert.deepEqual([...stderr.matchAll(/^#(\d+) CACHED$/gm)].length, STEPS, stderr);
});

/** Their layers are not in the samples: their records, with the layers that ours have. */
async function theirRecordsOverOurLayers(theirs: Config, path: string): Promise<void> {
  const { manifest, config, file } = await readCacheLayout(path);
  const results = new Map((config as Config).records.map(({ digest, layers }) => [digest, layers]));
  // The image is another one than theirs.
  const debian = (config as Config).records.map(({ digest }) => digest).filter((digest) => !theirs.records.some((each) => each.digest === digest));
  const renamed = theirs.records.map((record) => ({ ...record, layers: results.get(record.digest) }));
  const stand = imageSharedMap(DEBIAN_MANIFEST, { os: "linux", architecture: "amd64" }, [DEBIAN_LAYER as DiffId]).digests.map((digest) => recipeDigest(digest, 0) as string);
  const records = renamed.map((record) => (stand.includes(record.digest) ? { ...record, digest: debian[stand.indexOf(record.digest)] ?? record.digest } : record));
  const write = async (text: string): Promise<{ readonly digest: string; readonly size: number }> => {
    const digest = digestOf(Buffer.from(text));
    await writeFile(file(digest), text);
    return { digest, size: Buffer.byteLength(text) };
  };
  const written = await write(JSON.stringify({ layers: config.layers, records }));
  const root = await write(JSON.stringify({ ...manifest, config: { ...manifest.config, ...written } }));
  await writeFile(join(path, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: manifest.mediaType, ...root, annotations: { "org.opencontainers.image.ref.name": "latest" } }] }));
}

test("BuildKit's configuration is read, and written again byte for byte", { skip: samplesSkip }, async () => {
  const bytes = await readFile(sample("30-cache-registry/cacheconfig.json"));
  assert.equal(Buffer.from(writeCacheConfig(parseCacheConfig(bytes))).toString("utf8"), bytes.toString("utf8"));
});

test("so are the records in an image of BuildKit's, whose layers are the image's", { skip: samplesSkip }, async () => {
  const image = JSON.parse(await readFile(sample("32-cache-inline/registry/manifest.config.json"), "utf8")) as Readonly<Record<string, string>> & { readonly rootfs: { readonly diff_ids: readonly string[] } };
  const text = Buffer.from(image[INLINE_CACHE_KEY] ?? "", "base64").toString("utf8");
  const { records } = checkCacheConfig({ layers: image.rootfs.diff_ids.map((blob, i) => ({ blob, parent: i - 1 })), records: JSON.parse(text) as unknown });
  assert.equal(Buffer.from(writeCacheRecords(records)).toString("utf8"), text);
});
