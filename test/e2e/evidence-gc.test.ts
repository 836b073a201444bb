import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseDigest } from "../../src/content/digest.ts";
import { sampleBundle, sampleStatement, SIGSTORE_BUNDLE, SPDX } from "../../src/testing/evidence-samples.ts";
import { openEvidenceShop, shopSkip, type EvidenceShop } from "./evidence-shop.ts";
import { registryTags } from "./registry-tags.ts";

/** An image with a statement that refers to it, and a signature of that; the digest of the image. */
async function attestedImage(shop: EvidenceShop, tag: string): Promise<string> {
  const image = await shop.push(`a:${tag}`, "--provenance=false");
  const file = join(shop.place.path, `${tag}.json`);
  await writeFile(file, sampleStatement(parseDigest(image), SPDX, { tag }).bytes);
  const { stdout } = await shop.ok("evidence", "attach", "--store=referrers", "--file", file, shop.name(`a:${tag}`));
  const digest = parseDigest(/: (sha256:\w{64})\n/.exec(stdout)?.[1] ?? "");
  const size = (await shop.manifest(`a@${digest}`))?.text.length ?? 0;
  const signed = sampleBundle(sampleStatement(digest, "https://sigstore.dev/cosign/sign/v1", { tag }).bytes);
  await shop.samples("a").referrer({ mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size }, SIGSTORE_BUNDLE, signed);
  return image;
}

async function deleteManifest(shop: EvidenceShop, digest: string): Promise<void> {
  assert.equal((await fetch(`http://${shop.registry.host}/v2/a/manifests/${digest}`, { method: "DELETE" })).status, 202);
}

test("evidence of an image that was deleted goes, and all else stays", { skip: shopSkip }, async () => {
  await using shop = await openEvidenceShop();

  const [old, current] = [await attestedImage(shop, "old"), await attestedImage(shop, "current")];
  const repository = shop.name("a");
  assert.match((await shop.ok("evidence", "gc", repository)).stdout, /: 6 tags, 6 manifests seen\nnothing to take away\n/);
  await deleteManifest(shop, old);
  const planned = (await shop.ok("evidence", "gc", "--plan", repository)).stdout;
  assert.equal(planned.match(/^remove /gm)?.length, 4, planned);
  assert.match(planned, new RegExp(`\nremove {6}sha256:\\w{64} \\(application/vnd\\.docker\\.attestation\\.manifest\\.v1\\+json\\): about ${old}, which is gone\n`));
  assert.match(planned, /\nnothing was changed; --apply takes away the 4 above\na registry does not list manifests without a tag: /);
  const removals = (JSON.parse((await shop.ok("evidence", "gc", "--format=json", repository)).stdout) as { removals: Array<{ kind: string; digest: string }> }).removals;
  for (const { digest } of removals) assert.ok(await shop.manifest(`a@${digest}`));
  const applied = (await shop.ok("evidence", "gc", "--apply", repository)).stdout;
  assert.match(applied, /^(?:removed {5}.*\n){4}4 taken away, 0 left\n$/);
  for (const { digest } of removals) assert.equal(await shop.manifest(`a@${digest}`), undefined);
  const tags = await registryTags(shop.registry.host, "a");
  assert.deepEqual([tags.length, tags.includes("current"), tags.includes(current.replace(":", "-")), tags.includes("old")], [3, true, true, false]);
  assert.match((await shop.ok("evidence", "get", "--type=sbom", shop.name("a:current"))).stdout, /"current"/);
  assert.match((await shop.ok("evidence", "gc", "--apply", repository)).stdout, /^0 taken away, 0 left\n$/);
});

test("what has no tag is found by the registry's own listing, and attestations of images that are there stay", { skip: shopSkip }, async () => {
  await using shop = await openEvidenceShop();

  const index = await shop.push("a:1");
  const [image, attestation] = (await shop.manifest("a:1"))?.manifests ?? [];
  assert.ok(image !== undefined && attestation !== undefined);
  await deleteManifest(shop, index);
  const listing = join(shop.place.path, "listing.json");
  await writeFile(listing, JSON.stringify([{ name: image.digest }, { name: attestation.digest }]));
  const gc = async (...flags: readonly string[]): Promise<string> => (await shop.ok("evidence", "gc", ...flags, "--candidates", listing, shop.name("a"))).stdout;
  assert.match(await gc("--apply"), /^0 taken away/);
  await deleteManifest(shop, image.digest);
  assert.match((await shop.ok("evidence", "gc", shop.name("a"))).stdout, /nothing to take away/);
  assert.match(await gc("--apply"), new RegExp(`^removed {5}${attestation.digest} .*\n1 taken away, 0 left\n$`));
  assert.equal(await shop.manifest(`a@${attestation.digest}`), undefined);
  await writeFile(listing, "sha256:abc");
  await shop.fails(64, "evidence", "gc", "--candidates", listing, shop.name("a"));
  await shop.fails(64, "evidence", "gc", "--plan", "--apply", shop.name("a"));
  await shop.fails(64, "evidence", "gc", shop.name("a:1"));
});
