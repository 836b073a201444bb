import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startDockerRegistry } from "../../src/testing/docker-registry.ts";
import { sampleStatement, SLSA_V1 } from "../../src/testing/evidence-samples.ts";
import { openEvidenceShop, shopSkip } from "./evidence-shop.ts";
import { registryTags } from "./registry-tags.ts";

const skip = shopSkip;

test("images that two runners built become one, each with its evidence, in another registry too", { skip }, async () => {
  await using shop = await openEvidenceShop();
  await using other = await startDockerRegistry();

  await shop.push("ci:amd64", "--platform=linux/amd64", "--provenance=mode=max");
  await shop.push("ci:arm64", "--platform=linux/arm64");
  const metadata = join(shop.place.path, "metadata.json");
  const away = `${other.host}/app:1`;
  const { stderr } = await shop.ok("imagetools", "create", "-t", shop.name("app:1"), "-t", away, "--metadata-file", metadata, shop.name("ci:amd64"), shop.name("ci:arm64"));
  assert.match(stderr, /^#1 \[internal\] pushing 127\.0\.0\.1:\d+\/app:1\n#1 \d\.\d{3} copying sha256:\w{64} from 127\.0\.0\.1:\d+\/ci:amd64 to /);
  assert.match(stderr, /\n#2 \d+\.\d{3} pushing sha256:\w{64} to 127\.0\.0\.1:\d+\/app:1\n(?:.*\n)*#2 DONE \d+\.\ds\n$/);
  const made = await shop.manifest("app:1");
  assert.deepEqual(JSON.parse(await readFile(metadata, "utf8")), {
    "containerimage.descriptor": { mediaType: "application/vnd.oci.image.index.v1+json", digest: made?.digest, size: made?.text.length },
    "image.name": [shop.name("app"), `${other.host}/app`].toSorted().join(","),
  });
  const parts = (await Promise.all(["ci:amd64", "ci:arm64"].map((path) => shop.manifest(path)))).flatMap((part) => part?.manifests ?? []);
  assert.deepEqual(made?.manifests.map(({ digest }) => digest), parts.map(({ digest }) => digest));
  for (const platform of ["linux/amd64", "linux/arm64"]) {
    const { stdout } = await shop.ok("evidence", "get", "--type=provenance", "--statement", "--platform", platform, away);
    const { subject } = JSON.parse(stdout) as { subject: Array<{ digest: { sha256: string } }> };
    assert.ok(made?.manifests.some(({ digest }) => digest === `sha256:${subject[0]?.digest.sha256}`));
  }
  // Other people's tools read it, layers and all.
  if (existsSync("/usr/bin/skopeo")) await shop.place.run(["skopeo", "copy", "--all", "--src-tls-verify=false", `docker://${away}`, `oci:${join(shop.place.path, "copy")}:1`]);
});

test("one index is copied byte for byte, a dry run pushes nothing, and a filter keeps what belongs together", { skip }, async () => {
  await using shop = await openEvidenceShop();

  const digest = await shop.push("a:1", "--platform=linux/amd64,linux/arm64");
  const { stdout } = await shop.ok("imagetools", "create", "--dry-run", shop.name("a:1"));
  assert.equal(stdout, `${(await shop.manifest("a:1"))?.text}\n`);
  await shop.ok("imagetools", "create", "--progress=quiet", "-t", shop.name("b:1"), shop.name("a:1"));
  assert.equal((await shop.manifest("b:1"))?.digest, digest);
  await shop.ok("imagetools", "create", "-p", "linux/arm64", "-t", shop.name("b:arm"), shop.name("a:1"));
  const arm = await shop.manifest("b:arm");
  assert.deepEqual(arm?.manifests.map(({ platform }) => platform?.architecture), ["arm64", "unknown"]);
  assert.equal(arm?.manifests[1]?.annotations?.["vnd.docker.reference.digest"], arm?.manifests[0]?.digest);
  const file = join(shop.place.path, "descriptor.json");
  await writeFile(file, JSON.stringify({ ...arm?.manifests[0], platform: { os: "linux", architecture: "arm64", variant: "v8", "os.version": "1" } }));
  await shop.ok("imagetools", "create", "-t", shop.name("b:file"), "-f", file);
  assert.equal((await shop.manifest("b:file"))?.manifests[0]?.digest, arm?.manifests[0]?.digest);
  await shop.ok("imagetools", "create", "--append", "-t", shop.name("b:file"), "--annotation", "index:k=v", shop.name("a:1"));
  assert.match((await shop.manifest("b:file"))?.text ?? "", /"k": "v"\n {2}\}\n\}$/);
  await shop.ok("imagetools", "create", "--prefer-index=false", "-t", shop.name("b:single"), `${shop.name("a")}@${arm?.manifests[0]?.digest}`);
  assert.equal((await shop.manifest("b:single"))?.digest, arm?.manifests[0]?.digest);
  assert.match((await shop.fails(64, "imagetools", "create", shop.name("a:1"))).stderr, /^ERROR: can't push with no tags specified, please set --tag or --dry-run\n$/);
  assert.match((await shop.fails(64, "imagetools", "create", "--dry-run")).stderr, /^ERROR: no sources specified\n$/);
  assert.match((await shop.fails(69, "imagetools", "create", "-t", shop.name("c:1"), shop.name("a:none"))).stderr, /^ERROR: 127\.0\.0\.1:\d+\/a:none: not found\n$/);
});

test("evidence that is not about its image stops it, and no name is left", { skip }, async () => {
  await using shop = await openEvidenceShop();

  const samples = shop.samples("a");
  const [amd, arm] = [await samples.image("linux/amd64", "amd"), await samples.image("linux/arm64", "arm")];
  const wrong = await samples.attestation(arm, [sampleStatement(amd.digest, SLSA_V1, {})]);
  await samples.index([amd, arm, wrong], "1");
  const { stderr } = await shop.fails(76, "imagetools", "create", "-t", shop.name("b:1"), shop.name("a:1"));
  assert.ok(stderr.startsWith(`ERROR: attestation ${wrong.digest} of ${shop.name("a:1")} is not what it stands for: it stands for ${arm.digest}, and the subjects of its statement`), stderr);
  assert.deepEqual(await registryTags(shop.registry.host, "b"), []);
});

test("a copy that the registry breaks off leaves no name", { skip }, async () => {
  await using shop = await openEvidenceShop();
  await using locked = await startDockerRegistry({ auth: "basic" });

  await shop.push("a:1");
  await shop.fails(77, "imagetools", "create", "-t", shop.name("b:1"), "-t", `${locked.host}/b:1`, shop.name("a:1"));
  assert.deepEqual(await registryTags(shop.registry.host, "b"), []);
});
