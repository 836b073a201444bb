import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { BuildError } from "../../src/doors/build.ts";
import { makeCertificates, opensslSkip } from "../../src/testing/certificates.ts";
import { dockerRegistrySkip, startDockerRegistry } from "../../src/testing/docker-registry.ts";
import { serveProxy } from "../../src/testing/http-fixture.ts";
import { openWorkshop, type Workshop, type WorkshopBuild } from "./workshop.ts";

const DOCKERFILE = "FROM scratch\nCOPY a /a\n";
const FILES = { files: { a: "a\n" } };
const EPOCH = "1000000000";
const EPOCH_TIME = "2001-09-09T01:46:40Z";

let workshop: Workshop;
before(async () => {
  workshop = await openWorkshop();
});
after(async () => {
  await workshop[Symbol.asyncDispose]();
});

const build = async (outputs: readonly string[], options: WorkshopBuild = {}): Promise<void> => void (await workshop.build(DOCKERFILE, { ...FILES, outputs, provenance: "false", ...options }));

interface Config {
  readonly created: string;
  readonly history: ReadonlyArray<{ readonly created: string }>;
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

function imageIn(layout: string): { readonly digest: string; readonly config: Config } {
  const read = (digest: string): unknown => JSON.parse(readFileSync(join(layout, "blobs", digest.replace(":", "/")), "utf8"));
  const { manifests } = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as { manifests: Array<{ digest: string }> };
  const digest = manifests[0]?.digest ?? "";
  return { digest, config: read((read(digest) as { config: { digest: string } }).config.digest) as Config };
}

function timesIn(tar: string): readonly string[] {
  return spawnSync("tar", ["--utc", "--full-time", "-tvf", tar], { encoding: "utf8" }).stdout.trim().split("\n").map((line) => line.split(/\s+/).slice(3, 5).join("T"));
}

describe("source-date-epoch of an output", () => {
  test("is that of the one image alone, which is the one that a build with this epoch makes", async () => {
    const [own, other, whole] = ["own", "other", "whole"].map((name) => join(workshop.path, name));
    const image = `type=oci,tar=false,rewrite-timestamp=true,name=app:1`;
    await build([`${image},dest=${own},source-date-epoch=${EPOCH}`, `${image},dest=${other}`]);
    await build([`${image},dest=${whole}`], { buildArgs: { SOURCE_DATE_EPOCH: EPOCH } });
    const { config } = imageIn(own ?? "");
    assert.deepEqual([config.created, config.history.map(({ created }) => created)], [EPOCH_TIME, [EPOCH_TIME]]);
    assert.equal(imageIn(own ?? "").digest, imageIn(whole ?? "").digest);
    const { config: later } = imageIn(other ?? "");
    assert.ok(later.created > EPOCH_TIME);
    assert.notDeepEqual(later.rootfs.diff_ids, config.rootfs.diff_ids);
  });

  test("is the time of its files, and with nothing behind it takes the build's away", async () => {
    const [own, none] = ["own.tar", "none.tar"].map((name) => join(workshop.path, name));
    await build([`type=tar,dest=${own},source-date-epoch=${EPOCH}`, `type=tar,dest=${none},source-date-epoch=`], { buildArgs: { SOURCE_DATE_EPOCH: "1" } });
    assert.deepEqual(timesIn(own ?? ""), ["2001-09-09T01:46:40"]);
    assert.ok(timesIn(none ?? "").every((time) => time > EPOCH_TIME), timesIn(none ?? "").join());
  });
});

test("prefer-image-digest of one output has the image known by its manifest, as buildx does", async () => {
  const outcome = async (keys: string): Promise<readonly unknown[]> => {
    const { imageId, image, metadata } = (await workshop.build(DOCKERFILE, { ...FILES, outputs: [`type=oci,dest=${join(workshop.path, "known.tar")}${keys}`, "type=image"], provenance: "false" })).outcome;
    return [imageId === image?.digest, (JSON.parse(metadata) as Readonly<Record<string, unknown>>)["containerimage.config.digest"] !== undefined];
  };
  assert.deepEqual(await outcome(",prefer-image-digest=true"), [true, false]);
  assert.deepEqual(await outcome(",prefer-image-digest=1"), [false, true]);
});

test("registry.insecure of an output lets its registry have a certificate that nobody vouches for", { skip: opensslSkip === false ? dockerRegistrySkip : opensslSkip }, async () => {
  await using certificates = await makeCertificates();
  await using registry = await startDockerRegistry({ tls: certificates.serverPaths });
  await using proxy = await serveProxy();
  const env = { ...workshop.env, HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url };
  const name = `registry.example:${registry.host.split(":")[1]}/app:1`;
  await assert.rejects(build([`type=registry,name=${name}`], { env }), (error) => error instanceof BuildError && /certificate/.test(error.message));
  const { outcome } = await workshop.build(DOCKERFILE, { ...FILES, outputs: [`type=registry,name=${name},registry.insecure=true`], env });
  const url = `https://${registry.host}/v2/app/manifests/${outcome.image?.digest}`;
  const answer = Promise.withResolvers<IncomingMessage>();
  get(url, { rejectUnauthorized: false, headers: { accept: "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json" } }, answer.resolve).on("error", answer.reject);
  const { statusCode } = (await answer.promise).resume();
  assert.equal(statusCode, 200);
});

test("a name that is none is told before anything is built, whatever becomes of the image", async () => {
  for (const output of ["type=registry,name=UPPER:1", `type=oci,dest=${workshop.path}/named.tar,name=UPPER:1`]) {
    await assert.rejects(build([output]), (error) => error instanceof BuildError && error.code === "usage" && /^invalid tag "UPPER:1": .*must be lowercase/.test(error.message));
  }
});

test("a directory in the place of a file is told before anything is built", async () => {
  const built = build([`type=oci,dest=${workshop.path}`]);
  await assert.rejects(built, (error) => error instanceof BuildError && error.code === "usage" && /destination file .* is a directory/.test(error.message));
});

test("an image of nothing has BuildKit's digest, and is a base like any other", async () => {
  const [nothing, built] = ["nothing", "built"].map((name) => join(workshop.path, name)) as [string, string];
  await workshop.build("FROM scratch\n", { outputs: [`type=oci,tar=false,dest=${nothing}`], provenance: "false" });
  assert.equal(imageIn(nothing).digest, "sha256:6cddc7c291e3d05059404a670e53a4e87166bd3f22ea50b9ae60f9d0c4423775");
  await workshop.build("FROM nothing\nCOPY a /a\n", { ...FILES, outputs: [`type=oci,tar=false,dest=${built}`], provenance: "false", buildContexts: { nothing: `oci-layout://${nothing}` } });
  assert.equal(imageIn(built).config.history.length, 1);
});
