import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { BuildError } from "../../src/doors/build.ts";
import type { Descriptor } from "../../src/oci/descriptor.ts";
import type { ImageIndex, Manifest } from "../../src/oci/manifest.ts";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { startFakeRegistry, type FakeRegistry } from "../../src/testing/fake-registry.ts";
import { REFUSING } from "../../src/testing/refusing-registries.ts";
import { registryTags } from "./registry-tags.ts";
import { openWorkshop, type Built, type Workshop, type WorkshopBuild } from "./workshop.ts";

const ARTIFACT = "application/vnd.docker.attestation.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const TWO = ["linux/amd64", "linux/arm64"];

let workshop: Workshop;
let registry: DockerRegistry;

before(async () => {
  workshop = await openWorkshop();
  if (dockerRegistrySkip === false) registry = await startDockerRegistry();
});

after(async () => {
  if (dockerRegistrySkip === false) await registry[Symbol.asyncDispose]();
  await workshop[Symbol.asyncDispose]();
});

const build = (options: WorkshopBuild): Promise<Built> => workshop.build("FROM scratch\nCOPY hello.txt /\n", { files: { "hello.txt": "hello\n" }, ...options });
const notices = ({ events }: Built): readonly string[] => events.flatMap((event) => (event.kind === "notice" ? [event.message] : []));
const place = (): Promise<string> => mkdtemp(join(workshop.path, "place-"));

/** What a registry has, asked without our own code. */
async function get<T>(host: string, repository: string, name: string): Promise<T & { readonly mediaType: string }> {
  const answer = await fetch(`http://${host}/v2/${repository}/manifests/${name}`, { headers: { accept: [INDEX, MANIFEST, "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json"].join(", ") } });
  assert.equal(answer.status, 200, `${repository}:${name}`);
  // Whatever a registry stores under such a name is a manifest.
  return (await answer.json()) as T & { readonly mediaType: string };
}

const fallbackTag = (digest: string): string => digest.replace(":", "-");

async function provenanceIn(host: string, repository: string, attestation: Pick<Descriptor, "digest">): Promise<{ readonly predicateType: string; readonly subject: ReadonlyArray<{ readonly digest: { readonly sha256: string } }> }> {
  const { layers } = await get<Manifest>(host, repository, attestation.digest);
  const blob = await fetch(`http://${host}/v2/${repository}/blobs/${layers[0]?.digest}`);
  return (await blob.json()) as Awaited<ReturnType<typeof provenanceIn>>;
}

describe("evidence on a real registry", { skip: dockerRegistrySkip }, () => {
  test("refers to a plain manifest, whose digest is that of an image without evidence", async () => {
    const repository = `${registry.host}/plain`;
    const { outcome: plain } = await build({ tags: [`${repository}:none`], push: true, provenance: "false" });
    const built = await build({ tags: [`${repository}:1`], push: true, attestStore: "referrers" });
    assert.equal(built.outcome.image?.digest, plain.image?.digest);
    assert.equal((await get<Manifest>(registry.host, "plain", "1")).mediaType, MANIFEST);
    const { config, layers } = await get<Manifest>(registry.host, "plain", "1");
    assert.deepEqual([built.outcome.imageId, layers.length], [config.digest, 1], "the image ID is the configuration's digest, as without evidence");

    const list = await get<ImageIndex>(registry.host, "plain", fallbackTag(built.outcome.image?.digest ?? ""));
    assert.deepEqual(list.manifests.map(({ artifactType }) => artifactType), [ARTIFACT]);
    const [attestation] = list.manifests;
    assert.ok(attestation !== undefined);
    assert.equal((await get<Manifest>(registry.host, "plain", attestation.digest)).subject?.digest, built.outcome.image?.digest);
    const { predicateType, subject } = await provenanceIn(registry.host, "plain", attestation);
    assert.equal(predicateType, "https://slsa.dev/provenance/v1");
    assert.equal(`sha256:${subject[0]?.digest.sha256}`, built.outcome.image?.digest);

    assert.deepEqual(built.outcome.evidence, { kind: "referrers", attestations: [attestation.digest] });
    assert.equal(notices(built).at(-1), `${built.outcome.image?.digest} (${repository}:1): its evidence refers to it, in ${attestation.digest}`);
    const metadata = JSON.parse(built.outcome.metadata) as Record<string, unknown>;
    assert.deepEqual([metadata["containerimage.digest"], metadata["containerimage.config.digest"]], [built.outcome.image?.digest, config.digest]);
  });

  test("refers to an image that is pushed by its digest, without a tag", async () => {
    const outputs = [`type=image,name=${registry.host}/digest,push-by-digest=true`];
    await build({ outputs, attestStore: "referrers" });
    assert.deepEqual(await registryTags(registry.host, "digest"), [], "nobody asked to push");
    const { outcome } = await build({ outputs, push: true, attestStore: "referrers" });
    assert.equal((await get<Manifest>(registry.host, "digest", outcome.image?.digest ?? "")).mediaType, MANIFEST);
    assert.deepEqual(await registryTags(registry.host, "digest"), [fallbackTag(outcome.image?.digest ?? "")]);
  });

  test("of several platforms refers to each platform's manifest, below an index of the platforms alone", async () => {
    const { outcome } = await build({ tags: [`${registry.host}/several:1`], push: true, attestStore: "referrers", platforms: TWO });
    const index = await get<ImageIndex>(registry.host, "several", "1");
    assert.deepEqual(index.manifests.map(({ platform }) => platform?.architecture), ["amd64", "arm64"]);
    assert.equal(outcome.imageId, outcome.image?.digest, "an index is its own image ID");
    for (const { digest } of index.manifests) {
      const { manifests } = await get<ImageIndex>(registry.host, "several", fallbackTag(digest));
      assert.equal((await get<Manifest>(registry.host, "several", manifests[0]?.digest ?? "")).subject?.digest, digest);
    }
  });

  test("is found either way with both, and of the index alone there is no tag but the one asked for", async () => {
    const { outcome: both } = await build({ tags: [`${registry.host}/both:1`], push: true, attestStore: "both" });
    const { outcome: index } = await build({ tags: [`${registry.host}/index:1`], push: true });
    const { manifests } = await get<ImageIndex>(registry.host, "both", "1");
    const [image, attestation] = manifests;
    assert.equal(attestation?.annotations?.["vnd.docker.reference.digest"], image?.digest);
    const list = await get<ImageIndex>(registry.host, "both", fallbackTag(image?.digest ?? ""));
    assert.deepEqual(list.manifests.map(({ digest }) => digest), [attestation?.digest]);
    assert.deepEqual(await registryTags(registry.host, "index"), ["1"]);
    assert.deepEqual([both.evidence, index.evidence?.kind], [{ kind: "both", attestations: [attestation?.digest] }, "index"]);
  });

});

describe("evidence that is there already, or elsewhere", { skip: dockerRegistrySkip }, () => {
  test("gathers: another statement about the same image stands beside the first, and the same one is not added again", async () => {
    const tag = `${registry.host}/gathers:1`;
    const { outcome } = await build({ tags: [tag], push: true, attestStore: "referrers" });
    const list = async (): Promise<number> => (await get<ImageIndex>(registry.host, "gathers", fallbackTag(outcome.image?.digest ?? ""))).manifests.length;
    const again = await build({ tags: [tag], push: true, attestStore: "referrers" });
    assert.deepEqual([again.outcome.image?.digest, await list()], [outcome.image?.digest, 1]);
    const fuller = await build({ tags: [tag], push: true, attestStore: "referrers", provenance: "mode=max" });
    assert.deepEqual([fuller.outcome.image?.digest, await list()], [outcome.image?.digest, 2]);
  });

  test("is in files beside a plain image, or nowhere", async () => {
    const directory = join(await place(), "evidence");
    const { outcome, ...rest } = await build({ tags: [`${registry.host}/file:1`], push: true, attestStore: `file:${directory}`, platforms: TWO });
    const paths = TWO.flatMap((platform) => ["provenance.json", "line-map.json"].map((name) => join(directory, platform.replace("/", "_"), name)));
    assert.deepEqual(outcome.evidence, { kind: "file", paths });
    assert.equal(notices({ outcome, ...rest }).at(-1), `${outcome.image?.digest} (${registry.host}/file:1): its evidence is in ${paths.join(", ")}`);
    const { manifests } = await get<ImageIndex>(registry.host, "file", "1");
    paths.forEach((path, i) => {
      const { subject } = JSON.parse(readFileSync(path, "utf8")) as { readonly subject: ReadonlyArray<{ readonly digest: { readonly sha256: string } }> };
      assert.equal(`sha256:${subject[0]?.digest.sha256}`, manifests[Math.floor(i / 2)]?.digest);
      assert.equal(statSync(path).mode & 0o777, 0o600);
    });
    const none = await build({ tags: [`${registry.host}/none:1`], push: true, attestStore: "none" });
    assert.deepEqual([none.outcome.evidence, (await get(registry.host, "none", "1")).mediaType], [{ kind: "none" }, MANIFEST]);
    assert.deepEqual([await registryTags(registry.host, "file"), await registryTags(registry.host, "none")], [["1"], ["1"]]);
  });
});

describe("evidence in a layout", () => {
  test("refers to the image by an entry without a name", async () => {
    const layout = join(await place(), "layout");
    const { outcome } = await build({ outputs: [`type=oci,tar=false,dest=${layout},name=a:1`], attestStore: "referrers" });
    const { manifests } = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as ImageIndex;
    const [image, attestation] = manifests;
    assert.deepEqual([image?.digest, image?.mediaType], [outcome.image?.digest, MANIFEST]);
    assert.deepEqual([attestation?.artifactType, attestation?.annotations?.["io.containerd.manifest.subject"]], [ARTIFACT, image?.digest]);
    assert.equal(attestation?.annotations?.["org.opencontainers.image.ref.name"], undefined);
    const manifest = JSON.parse(readFileSync(join(layout, "blobs", attestation?.digest.replace(":", "/") ?? ""), "utf8")) as Manifest;
    assert.equal(manifest.subject?.digest, image?.digest);
  });

  test("is in a layout only where it is asked for: provenance that nobody asked for is for images", async () => {
    const layout = join(await place(), "layout");
    const evidence = async (...keys: readonly string[]): Promise<unknown> => (await build({ outputs: [["type=oci", "tar=false", `dest=${layout}`, "name=a:1", ...keys].join()] })).outcome.evidence?.kind;
    assert.equal(await evidence(), "none");
    assert.equal(await evidence("attestation-inline=true"), "index");
    const given = await build({ outputs: [`type=oci,tar=false,dest=${layout},name=a:1`], attestStore: "index" });
    assert.equal(given.outcome.evidence?.kind, "index", "who gives it a place asks for it");
    const several = `type=oci,tar=false,dest=${await place()},name=a:1`;
    assert.deepEqual((await build({ outputs: [several, `${several},attestation-inline=false`], platforms: TWO })).outcome.evidence?.kind, "index", "an index that is there in any case has it, as with BuildKit");
    assert.deepEqual((await build({ outputs: [several], platforms: TWO, attestStore: "none" })).outcome.evidence, { kind: "none" });
    assert.deepEqual((await build({ outputs: [`${several},oci-mediatypes=false`], platforms: TWO })).outcome.evidence, { kind: "none" });
    const image = await build({ outputs: ["type=image,name=a:1,attestation-inline=false"] });
    assert.deepEqual(image.outcome.evidence, { kind: "none" });
    const asked = await build({ outputs: ["type=image,name=a:1,attestation-inline=false"], provenance: "mode=min" });
    assert.equal(asked.outcome.evidence?.kind, "index", "what was asked for by name is not for images only");
    assert.equal(notices(asked).at(-1), `${asked.outcome.image?.digest} (a:1) is not pushed, nor is its evidence`);
  });
});

/** `PUT`s of manifests, by what was put: blobs are told apart from the rest. */
function puts({ requests, manifests }: FakeRegistry): readonly string[] {
  return requests.filter(({ method }) => method === "PUT").map(({ url }) => {
    const [, repository = "", name = ""] = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(url.pathname) ?? [];
    if (name === "") return "blob";
    const { mediaType = "", bytes } = manifests.get(`${repository}@${name}`) ?? {};
    if (bytes === undefined) return name.startsWith("sha256:") ? "refused" : `tag ${name.replace(/^sha256-.*/, "list")}`;
    return mediaType === INDEX ? "index" : (JSON.parse(bytes.toString()) as Partial<Manifest>).layers?.[0]?.mediaType === "application/vnd.in-toto+json" ? "attestation" : "image";
  });
}

/** What is stored, in the order in which it is; the same several times in a row once. */
async function orderOf(attestStore: string): Promise<readonly string[]> {
  await using fake = await startFakeRegistry({ referrers: false, refuse: REFUSING.subjectsFirst });
  const built = await build({ tags: [`${fake.host}/a:1`], push: true, attestStore, platforms: TWO });
  assert.deepEqual(notices(built).filter((text) => text.startsWith("WARNING")), []);
  const all = puts(fake).filter((text, i, texts) => text !== texts[i - 1]);
  // Two lists are kept at once: their manifests and their tags come in any order.
  return all.filter((text, i) => all.indexOf(text) === i || text === "blob");
}

describe("the order of a push", () => {
  test("has evidence after the platforms that it is about, and tags last", async () => {
    assert.deepEqual(await orderOf("index"), ["blob", "image", "blob", "attestation", "tag 1"]);
    assert.deepEqual(await orderOf("referrers"), ["blob", "image", "blob", "attestation", "tag list", "tag 1"]);
    assert.deepEqual(await orderOf("both"), ["blob", "image", "blob", "attestation", "tag list", "tag 1"]);
    assert.deepEqual(await orderOf("none"), ["blob", "image", "tag 1"]);
  });

  test("leaves no tag where it fails on the way, wherever that is", async () => {
    for (const attestStore of ["index", "referrers", "both"]) {
      let places = 0;
      while (await failsWithoutTag(attestStore, places + 1)) places++;
      assert.ok(places >= 5, `${attestStore}: ${places}`);
    }
  });
});

/** True where the push failed at this `PUT`, with no tag written; false where there was no such `PUT` before the tag's. */
async function failsWithoutTag(attestStore: string, at: number): Promise<boolean> {
  await using fake = await startFakeRegistry({ referrers: false });
  let seen = 0;
  fake.intercept = ({ method }, response, { pathname }) => {
    if (method !== "PUT" || pathname.endsWith("/manifests/1") || ++seen !== at) return false;
    response.writeHead(410).end();
    return true;
  };
  const failure: unknown = await build({ tags: [`${fake.host}/a:1`], push: true, attestStore }).then(() => undefined, (error: unknown) => error);
  assert.equal(fake.tags.has("a:1"), failure === undefined);
  assert.ok(failure === undefined || failure instanceof BuildError);
  return failure !== undefined;
}
