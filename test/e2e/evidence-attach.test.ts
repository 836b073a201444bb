import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseDigest } from "../../src/content/digest.ts";
import { CYCLONEDX, sampleStatement, SPDX } from "../../src/testing/evidence-samples.ts";
import { openEvidenceShop, shopSkip, type EvidenceShop } from "./evidence-shop.ts";
import { registryTags } from "./registry-tags.ts";

async function statementFile(shop: EvidenceShop, subject: string | undefined, predicateType: string, predicate: object): Promise<string> {
  const path = join(shop.place.path, `${Object.values(predicate).join("-")}.json`);
  await writeFile(path, sampleStatement(subject === undefined ? undefined : parseDigest(subject), predicateType, predicate).bytes);
  return path;
}

test("a statement joins what a build recorded, in the index or as a referrer, and nothing is lost", { skip: shopSkip }, async () => {
  await using shop = await openEvidenceShop();

  await shop.push("app:1", "--platform=linux/amd64,linux/arm64");
  const before = await shop.manifest("app:1");
  const [amd] = before?.manifests ?? [];
  const image = shop.name("app:1");
  const spdx = await statementFile(shop, amd?.digest, SPDX, { spdxVersion: "SPDX-2.3" });
  assert.match((await shop.fails(64, "evidence", "attach", "--file", spdx, image)).stderr, /--platform: linux\/amd64, linux\/arm64/);
  assert.match((await shop.fails(76, "evidence", "attach", "--file", spdx, "--platform=linux/arm64", image)).stderr, /not about this image's manifest/);
  assert.deepEqual((await shop.manifest("app:1"))?.digest, before?.digest);
  const { stdout } = await shop.ok("evidence", "attach", "--file", spdx, "--platform=linux/amd64", image);
  const after = await shop.manifest("app:1");
  assert.match(stdout, new RegExp(`^attached {2}${SPDX} about ${amd?.digest} \\(linux/amd64\\): sha256:\\w{64}\nindex {5}${after?.digest}\n$`));
  assert.deepEqual(after?.manifests.slice(0, -1), before?.manifests);
  const cyclonedx = await statementFile(shop, amd?.digest, CYCLONEDX, { bomFormat: "CycloneDX" });
  await shop.ok("evidence", "attach", "--store=referrers", "--file", cyclonedx, "--platform=linux/amd64", image);
  assert.equal((await shop.manifest("app:1"))?.digest, after?.digest);
  assert.deepEqual((await registryTags(shop.registry.host, "app")).toSorted(), ["1", amd?.digest.replace(":", "-")]);
  assert.match((await shop.ok("evidence", "attach", "--store=referrers", "--file", cyclonedx, "--platform=linux/amd64", image)).stdout, /^present/);
  const get = async (...flags: readonly string[]): Promise<string> => (await shop.ok("evidence", "get", "--platform=linux/amd64", ...flags, image)).stdout;
  assert.match(await get("--type=sbom", "--format=spdx"), /SPDX-2\.3/);
  assert.match(await get("--type=sbom", "--format=cyclonedx"), /CycloneDX/);
  assert.match(await get("--type=provenance"), /buildDefinition/);
});

test("an image without any record gets its first one", { skip: shopSkip }, async () => {
  await using shop = await openEvidenceShop();

  const manifest = await shop.push("app:1", "--provenance=false");
  const file = await statementFile(shop, manifest, SPDX, { name: "first" });
  await shop.ok("evidence", "attach", "--file", file, shop.name("app:1"));
  assert.equal((await shop.manifest("app:1"))?.manifests[0]?.digest, manifest);
  assert.match((await shop.ok("evidence", "get", "--type=sbom", shop.name("app:1"))).stdout, /"first"/);
  await shop.fails(64, "evidence", "attach", "--file", join(shop.place.path, "none.json"), shop.name("app:1"));
  await shop.fails(64, "evidence", "attach", shop.name("app:1"));
});
