import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { BuildError, type Compat } from "../../src/doors/build.ts";
import type { ImageIndex, Manifest } from "../../src/oci/manifest.ts";
import { startFakeRegistry, type FakeRegistry, type FakeRegistryOptions } from "../../src/testing/fake-registry.ts";
import { REFUSING } from "../../src/testing/refusing-registries.ts";
import { openWorkshop, type Built, type Workshop, type WorkshopBuild } from "./workshop.ts";

let workshop: Workshop;

before(async () => {
  workshop = await openWorkshop();
});

after(async () => {
  await workshop[Symbol.asyncDispose]();
});

const build = (options: WorkshopBuild): Promise<Built> => workshop.build("FROM scratch\nCOPY hello.txt /\n", { files: { "hello.txt": "hello\n" }, ...options });

interface Pushed {
  readonly registry: FakeRegistry;
  /** What the tag names. */
  readonly root: Partial<Manifest & ImageIndex>;
  /** Manifests of statements, in the order in which they were stored. */
  readonly attestations: readonly Manifest[];
  /** Lists under fallback tags. */
  readonly lists: readonly ImageIndex[];
  readonly warnings: readonly string[];
  readonly built: Built;
}

/** Builds for a registry that refuses something, and tells what came to be there. */
async function pushTo(options: FakeRegistryOptions, request: WorkshopBuild = {}): Promise<Pushed> {
  await using registry = await startFakeRegistry(options);
  const built = await build({ tags: [`${registry.host}/a:1`], push: true, ...request });
  const stored = (digest: string | undefined): Partial<Manifest & ImageIndex> => JSON.parse(registry.manifests.get(`a@${digest}`)?.bytes.toString() ?? "{}") as Partial<Manifest & ImageIndex>;
  assert.equal(registry.tags.get("a:1"), built.outcome.image?.digest, "the outcome tells what the tag names");
  return {
    registry, built,
    root: stored(registry.tags.get("a:1")),
    attestations: [...registry.manifests.values()].map(({ bytes }) => JSON.parse(bytes.toString()) as Manifest).filter((manifest) => manifest.layers?.[0]?.mediaType === "application/vnd.in-toto+json"),
    lists: [...registry.tags].filter(([name]) => name.startsWith("a:sha256-")).map(([, digest]) => stored(digest) as ImageIndex),
    warnings: built.events.flatMap((event) => (event.kind === "notice" && event.message.startsWith("WARNING: attestations") ? [event.message] : [])),
  };
}

const configType = ({ config }: Manifest): string => config.mediaType.replace(/^application\/vnd\.oci\./, "");
const puts = ({ requests }: FakeRegistry): number => requests.filter(({ method, url }) => method === "PUT" && url.pathname.includes("/manifests/")).length;

describe("a registry that does not take attestations as OCI artifacts", () => {
  for (const [name, refuse, words] of [
    ["Aliyun", REFUSING.emptyConfig, "status 403: DENIED: unknown manifest class for application/vnd.oci.empty.v1+json"],
    ["GitLab or Quay", REFUSING.unknownTypes, "status 400: MANIFEST_INVALID: unknown media type: application/vnd.docker.attestation.manifest.v1+json"],
    ["an older gateway", REFUSING.unknownTypes415, "status 415: MANIFEST_INVALID: unknown media type: application/vnd.docker.attestation.manifest.v1+json"],
  ] as const) {
    test(`gets them in the older form in the index, and the reason is told: ${name}`, async () => {
      const { registry, root, attestations, warnings, built } = await pushTo({ refuse });
      assert.deepEqual([attestations.length, attestations.map(configType), attestations[0]?.subject], [1, ["image.config.v1+json"], undefined]);
      assert.equal(root.manifests?.length, 2);
      assert.deepEqual(warnings, [`WARNING: attestations as OCI artifacts were not taken (${registry.host}/a refuses it with ${words}): they stand in the index, in the older form (oci-artifact=false)`]);
      assert.equal(built.outcome.evidence?.kind, "index");
      assert.equal(puts(registry), 4, "image, artifact, older form, tag: nothing is tried twice");
    });
  }

  test("is not asked where nobody wants artifacts: BUILDX_NO_DEFAULT_OCI_ARTIFACT, or oci-artifact=false", async () => {
    const byVariable = await pushTo({ refuse: REFUSING.emptyConfig }, { env: { ...workshop.env, BUILDX_NO_DEFAULT_OCI_ARTIFACT: "1" } });
    assert.deepEqual([byVariable.warnings, puts(byVariable.registry), byVariable.attestations.map(configType)], [[], 3, ["image.config.v1+json"]]);
    const artifact = await pushTo({}, { env: { ...workshop.env, BUILDX_NO_DEFAULT_OCI_ARTIFACT: "1" }, outputs: ["type=image,oci-artifact=true"] });
    assert.deepEqual(artifact.attestations.map(configType), ["empty.v1+json"]);
    await assert.rejects(build({ env: { ...workshop.env, BUILDX_NO_DEFAULT_OCI_ARTIFACT: "maybe" } }), (error) => error instanceof BuildError && error.message.startsWith("invalid BUILDX_NO_DEFAULT_OCI_ARTIFACT: "));
  });

  test("gets referrers in that form, and the tag stays plain", async () => {
    const { root, attestations, lists, warnings, built } = await pushTo({ refuse: REFUSING.emptyConfig, referrers: false }, { attestStore: "referrers" });
    assert.equal(root.mediaType, "application/vnd.oci.image.manifest.v1+json");
    assert.deepEqual([attestations.map(configType), attestations[0]?.subject?.digest], [["image.config.v1+json"], built.outcome.image?.digest]);
    assert.deepEqual(lists.map(({ manifests }) => manifests.map(({ artifactType }) => artifactType)), [["application/vnd.oci.image.config.v1+json"]]);
    assert.match(warnings.join(), /as OCI artifacts that refer to the image were not taken .*: they refer to it in the older form, where stemma finds them and buildx does not$/);
  });
});

describe("a registry that takes no referrers", () => {
  test("gets evidence in the index, and it is told that the tag names one", async () => {
    const { root, warnings, built } = await pushTo({ refuse: REFUSING.subjects, referrers: false }, { attestStore: "referrers" });
    assert.equal(root.manifests?.length, 2);
    assert.equal(built.outcome.imageId, built.outcome.image?.digest);
    assert.equal(warnings.length, 1);
    assert.match(warnings.join(), /: they stand in the index, in the older form \(oci-artifact=false\), and the tag names an index$/);
  });

  test("since it lets nobody write their list, gets them as artifacts in the index", async () => {
    const { root, attestations, lists, warnings } = await pushTo({ refuse: REFUSING.digestTags, referrers: false }, { attestStore: "both" });
    assert.deepEqual([root.manifests?.length, attestations.map(configType), lists.length], [2, ["empty.v1+json"], 0]);
    assert.match(warnings.join(), /status 400: TAG_INVALID: invalid tag name\): they stand in the index only$/);
  });

  for (const compat of ["lambda", "cloud-run", "docker-v2"] as const satisfies readonly Compat[]) {
    test(`and an image for ${compat}: the tag stays plain, and it is told that no evidence is stored`, async () => {
      const { root, attestations, warnings, built } = await pushTo({ refuse: REFUSING.subjects, referrers: false }, { compat });
      assert.deepEqual([root.manifests, attestations, built.outcome.evidence], [undefined, [], { kind: "none" }]);
      assert.match(warnings.join(), /: no attestation is stored with the image; --attest-store=file:DIRECTORY keeps them$/);
    });

    test(`and an image for ${compat} whose evidence was wanted as referrers: the build fails, and there is no tag`, async () => {
      await using registry = await startFakeRegistry({ refuse: REFUSING.subjects, referrers: false });
      const failure: unknown = await build({ tags: [`${registry.host}/a:1`], push: true, compat, attestStore: "referrers" }).catch((error: unknown) => error);
      assert.ok(failure instanceof BuildError);
      assert.match(failure.message, /^failed to solve: failed to push 127\.0\.0\.1:\d+\/a:1: .*additional property subject is not allowed.*keep them with --attest-store=file:DIRECTORY, or build with --provenance=false$/);
      assert.equal(registry.tags.size, 0);
    });
  }
});

describe("images for consumers that cannot have an index", () => {
  test("have Docker's media types throughout for docker-v2, and evidence that refers to them", async () => {
    const { root, attestations, built } = await pushTo({}, { compat: "docker-v2" });
    assert.deepEqual([root.schemaVersion, root.mediaType, root.config?.mediaType, root.layers?.map(({ mediaType }) => mediaType)], [
      2, "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.container.image.v1+json", ["application/vnd.docker.image.rootfs.diff.tar.gzip"],
    ]);
    assert.deepEqual([attestations[0]?.subject?.digest, attestations[0]?.subject?.mediaType], [built.outcome.image?.digest, root.mediaType]);
    assert.equal(built.outcome.evidence?.kind, "referrers");
    const several = await pushTo({}, { compat: "docker-v2", platforms: ["linux/amd64", "linux/arm64"] });
    assert.deepEqual([several.root.mediaType, several.root.manifests?.length, several.attestations.length], ["application/vnd.docker.distribution.manifest.list.v2+json", 2, 2]);
  });

  test("are a plain manifest for lambda and cloud-run, with the digest that they have without evidence", async () => {
    const { outcome } = await build({ tags: ["a:1"], provenance: "false" });
    for (const compat of ["lambda", "cloud-run"] as const) {
      const { built, attestations } = await pushTo({}, { compat, provenance: "mode=max" });
      assert.deepEqual([built.outcome.image?.digest, attestations.length], [outcome.image?.digest, 1]);
    }
  });

  test("are refused before anything is built where something else was asked for, by both names", async () => {
    const refuses = async (request: WorkshopBuild, ...words: readonly string[]): Promise<void> => {
      await assert.rejects(build({ tags: ["a:1"], ...request }), (error) => error instanceof BuildError && error.code === "usage" && words.every((word) => error.message.includes(word)));
    };
    await refuses({ compat: "lambda", attestStore: "index" }, "--compat=lambda", "--attest-store=index");
    await refuses({ compat: "cloud-run", platforms: ["linux/amd64", "linux/arm64"] }, "--compat=cloud-run", "--platform=linux/amd64,linux/arm64");
    await refuses({ compat: "docker-v2", outputs: ["type=image,oci-mediatypes=true"] }, "--compat=docker-v2", "oci-mediatypes=true");
    await refuses({ compat: "lambda", buildArgs: { BUILDKIT_MULTI_PLATFORM: "1" } }, "--compat=lambda", "BUILDKIT_MULTI_PLATFORM");
    await refuses({ attestStore: "both", outputs: ["type=image,oci-artifact=false"] }, "--attest-store=both", "oci-artifact=false");
    await refuses({ attestStore: "everywhere" }, "--attest-store=everywhere");
    await refuses({ attestStore: "referrers", provenance: "mode=min", outputs: ["type=docker,dest=x.tar"] }, "--attest-store=file:DIRECTORY");
    await refuses({ attestStore: "file:x", provenance: "mode=min", outputs: ["type=image", "type=oci,dest=x.tar"] }, "--attest-store=file");
  });
});

describe("several registries for one image", () => {
  test("get one form, which all take, and none keeps what another one refused", async () => {
    await using takes = await startFakeRegistry();
    await using refusing = await startFakeRegistry({ refuse: REFUSING.emptyConfig });
    const { outcome, events } = await build({ tags: [`${takes.host}/a:1`, `${refusing.host}/b:1`], push: true });
    assert.deepEqual([takes.tags.get("a:1"), refusing.tags.get("b:1")], [outcome.image?.digest, outcome.image?.digest]);
    assert.equal(takes.manifests.size, 3, "image, attestation, index");
    assert.ok(events.some((event) => event.kind === "notice" && event.message.includes(`${refusing.host}/b refuses it with status 403`)));
  });

  test("are not asked where there is nothing to choose", async () => {
    await using one = await startFakeRegistry();
    await using other = await startFakeRegistry();
    await build({ tags: [`${one.host}/a:1`, `${other.host}/b:1`], push: true, attestStore: "none" });
    assert.deepEqual([puts(one), puts(other)], [2, 2], "by digest, then the tag");
  });

  test("none of which gets a tag where one does not take the image", async () => {
    await using takes = await startFakeRegistry();
    await using full = await startFakeRegistry();
    full.intercept = ({ method }, response, { pathname }) => {
      if (method !== "PUT" || !pathname.includes("/manifests/")) return false;
      response.writeHead(413).end();
      return true;
    };
    await assert.rejects(build({ tags: [`${takes.host}/a:1`, `${full.host}/b:1`], push: true }), BuildError);
    assert.deepEqual([takes.tags.size, full.tags.size], [0, 0]);
  });
});

test("a registry that is busy, or does not know us, is no reason for another form", async () => {
  for (const [status, code] of [[401, "unauthorized"], [429, "rate-limited"], [413, "rejected"]] as const) {
    await using registry = await startFakeRegistry({ refuse: ({ manifest }) => (manifest.subject === undefined ? undefined : { status, code: "X", message: "not now" }) });
    await assert.rejects(build({ tags: [`${registry.host}/a:1`], push: true }), (error) => error instanceof BuildError && error.code === code);
    assert.equal(registry.tags.size, 0);
  }
});

test("files keep what a push that fails was about, only where it got as far as its tags", async () => {
  await using registry = await startFakeRegistry({ refuse: ({ name }) => (name === "1" ? undefined : { status: 410, code: "X", message: "no" }) });
  const directory = join(workshop.path, "apart");
  // A single manifest is stored by its tag: its layers are what can fail before.
  registry.intercept = ({ method }, response, { pathname }) => {
    if (method !== "POST" || !pathname.includes("/blobs/uploads/")) return false;
    response.writeHead(410).end();
    return true;
  };
  await assert.rejects(build({ tags: [`${registry.host}/a:1`], push: true, attestStore: `file:${directory}` }), BuildError);
  assert.throws(() => readFileSync(join(directory, "provenance.json")), { code: "ENOENT" });
});
