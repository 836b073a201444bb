import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { MEDIA_TYPE } from "../../src/oci/media-type.ts";
import { CYCLONEDX, sampleBundle, sampleStatement, SIGSTORE_BUNDLE, SPDX } from "../../src/testing/evidence-samples.ts";
import { openEvidenceShop, shopSkip } from "./evidence-shop.ts";

test("the provenance of an image that was built and pushed comes out as a document, and as a statement", { skip: shopSkip }, async () => {
  await using shop = await openEvidenceShop();

  await shop.push("app:1", "--provenance=mode=max");
  const { stdout } = await shop.ok("evidence", "get", "--type", "provenance", shop.name("app:1"));
  const document = JSON.parse(stdout) as { readonly buildDefinition: { readonly externalParameters: { readonly request: { readonly frontend: string } } } };
  assert.equal(document.buildDefinition.externalParameters.request.frontend, "dockerfile.v0");
  const file = join(shop.place.path, "statement.json");
  assert.equal((await shop.ok("evidence", "get", "--type=provenance", "--statement", "-o", file, shop.name("app:1"))).stdout, "");
  const statement = JSON.parse(await readFile(file, "utf8")) as { readonly predicate: unknown; readonly subject: ReadonlyArray<{ readonly digest: { readonly sha256: string } }> };
  assert.deepEqual(statement.predicate, document);
  assert.equal(`sha256:${statement.subject[0]?.digest.sha256}`, (await shop.manifest("app:1"))?.manifests[0]?.digest);
});

test("SBOMs come out of attestations and bundles, and what is missing or unclear has its status", { skip: shopSkip }, async () => {
  await using shop = await openEvidenceShop();

  const samples = shop.samples("a");
  const [amd, arm] = [await samples.image("linux/amd64", "amd"), await samples.image("linux/arm64", "arm")];
  const attestation = await samples.attestation(amd, [sampleStatement(amd.digest, SPDX, { spdxVersion: "SPDX-2.3" })]);
  await samples.index([amd, arm, attestation], "1");
  await samples.referrer(amd, SIGSTORE_BUNDLE, sampleBundle(sampleStatement(amd.digest, CYCLONEDX, { bomFormat: "CycloneDX", specVersion: "1.6" }).bytes));
  await samples.referrer(arm, MEDIA_TYPE.inToto, sampleStatement(amd.digest, SPDX, { of: "another" }).bytes);
  const get = ["evidence", "get", "--type", "sbom", shop.name("a:1")];
  assert.match((await shop.fails(64, ...get)).stderr, /^ERROR: .*a:1: an image for several platforms; choose one with --platform: linux\/amd64, linux\/arm64\n$/);
  assert.match((await shop.fails(64, ...get, "--platform=linux/amd64")).stderr, /--format/);
  assert.deepEqual(JSON.parse((await shop.ok(...get, "--platform=linux/amd64", "--format=cyclonedx")).stdout), { bomFormat: "CycloneDX", specVersion: "1.6" });
  assert.deepEqual(JSON.parse((await shop.ok(...get, "--platform=linux/amd64", "--format=spdx")).stdout), { spdxVersion: "SPDX-2.3" });
  assert.match((await shop.fails(76, ...get, "--platform=linux/arm64")).stderr, /about another image/);
  assert.match((await shop.fails(69, "evidence", "get", "--type=provenance", "--platform=linux/arm64", shop.name("a:1"))).stderr, /no provenance/);
  await shop.fails(64, "evidence", "get", shop.name("a:1"));
});
