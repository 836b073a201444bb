import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseDigest } from "../../src/content/digest.ts";
import { sampleBundle, sampleStatement, SIGSTORE_BUNDLE, SLSA_V1 } from "../../src/testing/evidence-samples.ts";
import { openEvidenceShop, shopSkip, type EvidenceShop } from "./evidence-shop.ts";

const SECRET = `npm_${"q7R8".repeat(9)}`;

/** A record as a builder without a scrubber writes it. */
async function attachLeaky(shop: EvidenceShop, path: string, subject: string | undefined): Promise<string> {
  const predicate = { buildDefinition: { externalParameters: { request: { args: { "build-arg:NPM_TOKEN": SECRET } } } }, runDetails: { builder: { id: "" }, metadata: { invocationId: path } } };
  const file = join(shop.place.path, "leaky.json");
  const { bytes } = sampleStatement(parseDigest(subject ?? ""), SLSA_V1, predicate);
  await writeFile(file, bytes);
  const { stdout } = await shop.ok("evidence", "attach", "--file", file, "--platform=linux/amd64", shop.name(path));
  assert.match(stdout, /note {6}what looks like a secret is published with it \(build-arg:NPM_TOKEN\)/);
  return bytes.toString();
}

/** The bytes of every statement that the index behind a name leads to, asked without our own code. */
async function statements(shop: EvidenceShop, path: string): Promise<readonly string[]> {
  const [repository = ""] = path.split(":");
  const found: string[] = [];
  for (const { digest, platform } of (await shop.manifest(path))?.manifests ?? []) {
    if (platform?.architecture !== "unknown") continue;
    for (const layer of (await shop.manifest(`${repository}@${digest}`))?.layers ?? []) found.push(await (await fetch(`http://${shop.registry.host}/v2/${repository}/blobs/${layer.digest}`)).text());
  }
  return found;
}

test("a secret in a published record is masked, and what still holds it is told and deleted", { skip: shopSkip }, async () => {
  await using shop = await openEvidenceShop();

  await shop.push("app:1", "--platform=linux/amd64,linux/arm64", "--provenance=mode=max");
  const image = shop.name("app:1");
  assert.match((await shop.ok("evidence", "scrub", image)).stdout, /nothing in its records looks like a secret; nothing was changed\n$/);
  const [amd, ...others] = (await shop.manifest("app:1"))?.manifests ?? [];
  const leaky = await attachLeaky(shop, "app:1", amd?.digest);
  const before = await shop.manifest("app:1");
  assert.ok((await statements(shop, "app:1")).includes(leaky));
  const { stdout } = await shop.ok("evidence", "scrub", image);
  const after = await shop.manifest("app:1");
  assert.match(stdout, new RegExp(`^record {4}${SLSA_V1} \\(linux/amd64\\): sha256:\\w{64} is sha256:\\w{64} now\nmasked {4}build-arg:NPM_TOKEN \\(secret-variable NPM_TOKEN\\)\nimage {5}${image} is ${after?.digest} now\nold {7}index ${before?.digest}: it names the attestation`));
  assert.ok(!stdout.includes(SECRET));
  assert.deepEqual(after?.manifests.slice(0, -1).map(({ digest }) => digest), [amd, ...others].map((entry) => entry?.digest));
  assert.equal((await statements(shop, "app:1")).some((text) => text.includes(SECRET)), false);
  const scrubbed = (await statements(shop, "app:1")).find((text) => text.includes("app:1")) ?? "";
  assert.match(scrubbed, /"stemma_redacted":\[\{"place":"build-arg:NPM_TOKEN","kind":"secret-variable"\}\]/);
  const old = [...stdout.matchAll(/^old {7}(attestation|statement) (sha256:\w{64})$/gm)].map(([, kind = "", digest = ""]) => ({ kind, digest }));
  assert.deepEqual(old.map(({ kind }) => kind), ["attestation", "statement"]);
  // Whoever knows the digests still reads it, as was told.
  const blob = async (): Promise<number> => (await fetch(`http://${shop.registry.host}/v2/app/blobs/${old[1]?.digest}`)).status;
  assert.deepEqual([await blob(), (await shop.manifest(`app@${old[0]?.digest}`))?.digest], [200, old[0]?.digest]);
  assert.match((await shop.ok("evidence", "get", "--type=provenance", "--platform=linux/arm64", image)).stdout, /buildDefinition/);
});

test("--delete-old deletes what held the secret, but not what another tag leads to", { skip: shopSkip }, async () => {
  await using shop = await openEvidenceShop();

  await shop.push("app:1");
  const leaky = await attachLeaky(shop, "app:1", (await shop.manifest("app:1"))?.manifests[0]?.digest);
  await shop.ok("imagetools", "create", "-t", shop.name("app:latest"), shop.name("app:1"));
  const first = (await shop.ok("evidence", "scrub", "--delete-old", shop.name("app:1"))).stdout;
  assert.match(first, /\nold {7}statement sha256:\w{64}: index sha256:\w{64} of tag latest still names it: scrub that too\n/);
  assert.ok((await statements(shop, "app:latest")).includes(leaky));
  const second = (await shop.ok("evidence", "scrub", "--delete-old", shop.name("app:latest"))).stdout;
  const deleted = [...second.matchAll(/^deleted {3}(attestation|statement) (sha256:\w{64})$/gm)];
  assert.equal(deleted.length, 2, second);
  assert.equal((await fetch(`http://${shop.registry.host}/v2/app/blobs/${deleted[1]?.[2]}`)).status, 404);
  assert.equal(await shop.manifest(`app@${deleted[0]?.[2]}`), undefined);
  assert.equal((await shop.manifest("app:1"))?.digest, (await shop.manifest("app:latest"))?.digest);
});

test("what is signed is left alone without a word to the contrary", { skip: shopSkip }, async () => {
  await using shop = await openEvidenceShop();

  await shop.push("app:1");
  const index = await shop.manifest("app:1");
  const leaky = await attachLeaky(shop, "app:1", index?.manifests[0]?.digest);
  const attestation = (await shop.manifest("app:1"))?.manifests.at(-1);
  const { text = "" } = (await shop.manifest(`app@${attestation?.digest}`)) ?? {};
  await shop.samples("app").referrer({ mediaType: "application/vnd.oci.image.manifest.v1+json", digest: parseDigest(attestation?.digest ?? ""), size: text.length }, SIGSTORE_BUNDLE, sampleBundle(Buffer.from(leaky)));
  const { stderr } = await shop.fails(64, "evidence", "scrub", shop.name("app:1"));
  assert.match(stderr, new RegExp(`there are secrets in what is signed: sha256:\\w{64} signs the attestation ${attestation?.digest}; .* --drop-signatures`));
  assert.ok((await statements(shop, "app:1")).includes(leaky));
  assert.match((await shop.ok("evidence", "scrub", "--drop-signatures", "--delete-old", shop.name("app:1"))).stdout, /\nunsigned {2}sha256:\w{64} holds for nothing any more\n(?:.*\n)*deleted {3}signature sha256:/);
  assert.equal((await statements(shop, "app:1")).some((one) => one.includes(SECRET)), false);
});
