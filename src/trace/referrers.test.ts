import assert from "node:assert/strict";
import { test } from "node:test";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import { dockerRegistrySkip, startDockerRegistry } from "../testing/docker-registry.ts";
import { CYCLONEDX, EvidenceSamples, sampleBundle, sampleEnvelope, sampleStatement, SIGSTORE_BUNDLE, SLSA_V1, SPDX } from "../testing/evidence-samples.ts";
import { startFakeRegistry } from "../testing/fake-registry.ts";
import { testClient } from "../testing/registry-fixture.ts";
import { ImageError } from "./image-error.ts";
import { inspectImage } from "./inspect.ts";
import { openImage } from "./open-image.ts";

const limit = (): AbortSignal => AbortSignal.timeout(30_000);

/** The ways in which registries list what refers to a manifest. */
const REGISTRIES = [
  ["the interface, in a registry of our own", false, () => startFakeRegistry()],
  ["the fallback tag, in the reference registry", dockerRegistrySkip, () => startDockerRegistry()],
] as const;

async function inspect(client: RegistryClient, name: string, format: string): Promise<string> {
  await using image = await openImage(name, { client, cwd: "/" }, limit());

  return Buffer.from(await inspectImage(image, { format, raw: false }, limit())).toString();
}

const BUILD_TYPE = "{{with .Provenance.SLSA}}{{.buildDefinition.buildType}}{{else}}none{{end}}";
const SBOM = "{{with .SBOM.SPDX}}{{.name}}{{end}}{{range .SBOM.AdditionalSPDXs}}, {{.name}}{{end}}";

const slsa = (buildType: string): object => ({ buildDefinition: { buildType }, runDetails: {} });

for (const [way, skip, start] of REGISTRIES) {
  test(`finds evidence among referrers, by ${way}`, { skip }, async () => {
    await using registry = await start();
    await using client = testClient();

    const samples = new EvidenceSamples(client.repository({ domain: registry.host, path: "a" }, "push"), limit());
    const name = (tag: string): string => `${registry.host}/a:${tag}`;
    const image = await samples.image("linux/amd64", "plain", MEDIA_TYPE.ociManifest, "plain");
    const statement = sampleStatement(image.digest, SLSA_V1, slsa("as it is"));
    await samples.referrer(image, MEDIA_TYPE.inToto, statement.bytes);
    assert.equal(await inspect(client, name("plain"), BUILD_TYPE), "as it is");

    const enveloped = await samples.image("linux/amd64", "envelope", MEDIA_TYPE.ociManifest, "envelope");
    const inEnvelope = sampleStatement(enveloped.digest, SLSA_V1, slsa("in an envelope"));
    await samples.referrer(enveloped, "application/vnd.in-toto.provenance+dsse", sampleEnvelope(inEnvelope.bytes));
    assert.equal(await inspect(client, name("envelope"), BUILD_TYPE), "in an envelope");

    const bundled = await samples.image("linux/amd64", "bundle", MEDIA_TYPE.ociManifest, "bundle");
    await samples.referrer(bundled, SIGSTORE_BUNDLE, { mediaType: SIGSTORE_BUNDLE, messageSignature: { signature: "" } });
    await samples.referrer(bundled, SIGSTORE_BUNDLE, sampleBundle(sampleStatement(bundled.digest, "https://sigstore.dev/cosign/sign/v1", {}).bytes));
    await samples.referrer(bundled, SIGSTORE_BUNDLE, sampleBundle(sampleStatement(bundled.digest, SLSA_V1, slsa("in a bundle")).bytes), { "dev.sigstore.bundle.predicateType": SLSA_V1 });
    assert.equal(await inspect(client, name("bundle"), BUILD_TYPE), "in a bundle");
  });

  test(`shows the index's evidence before that of referrers, and equal statements once, by ${way}`, { skip }, async () => {
    await using registry = await start();
    await using client = testClient();

    const samples = new EvidenceSamples(client.repository({ domain: registry.host, path: "a" }, "push"), limit());
    const image = await samples.image("linux/amd64", "both");
    const one = sampleStatement(image.digest, SPDX, { name: "of the index" });
    const attestation = await samples.attestation(image, [sampleStatement(image.digest, SLSA_V1, slsa("of the index")), one]);
    await samples.index([image, attestation], "both");
    await samples.referrer(image, MEDIA_TYPE.inToto, sampleStatement(image.digest, SLSA_V1, slsa("of a referrer")).bytes);
    await samples.referrer(image, MEDIA_TYPE.inToto, one.bytes);
    await samples.referrer(image, SIGSTORE_BUNDLE, sampleBundle(one.bytes));
    await samples.referrer(image, MEDIA_TYPE.inToto, sampleStatement(image.digest, `${SPDX}/v2.3`, { name: "of a referrer" }).bytes);
    await samples.referrer(image, MEDIA_TYPE.inToto, sampleStatement(image.digest, CYCLONEDX, { name: "no SPDX" }).bytes);
    assert.equal(await inspect(client, `${registry.host}/a:both`, BUILD_TYPE), "of the index");
    assert.equal(await inspect(client, `${registry.host}/a:both`, SBOM), "of the index, of a referrer");
  });
}

test("believes a manifest and not a fallback tag about what it refers to", { skip: dockerRegistrySkip }, async () => {
  await using registry = await startDockerRegistry();
  await using client = testClient();

  const samples = new EvidenceSamples(client.repository({ domain: registry.host, path: "a" }, "push"), limit());
  const image = await samples.image("linux/amd64", "one", MEDIA_TYPE.ociManifest, "1");
  const other = await samples.image("linux/amd64", "other");
  const referrer = await samples.referrer(other, MEDIA_TYPE.inToto, sampleStatement(other.digest, SLSA_V1, slsa("another's")).bytes);
  await samples.index([referrer], image.digest.replace(":", "-"));
  assert.equal(await inspect(client, `${registry.host}/a:1`, BUILD_TYPE), "none");
});

test("tells evidence that the index names and the registry has no more from evidence that never was", async () => {
  await using registry = await startFakeRegistry();
  await using client = testClient();

  const samples = new EvidenceSamples(client.repository({ domain: registry.host, path: "a" }, "push"), limit());
  const image = await samples.image("linux/amd64", "pruned");
  const attestation = await samples.attestation(image, [sampleStatement(image.digest, SLSA_V1, slsa("pruned"))]);
  await samples.index([image, attestation], "1");
  registry.manifests.delete(`a@${attestation.digest}`);
  const isGone = (error: unknown): boolean => error instanceof ImageError && error.code === "not-found" && error.message.includes(`@${attestation.digest}: this evidence is gone: the index names it`);
  await assert.rejects(inspect(client, `${registry.host}/a:1`, BUILD_TYPE), isGone);
  assert.equal(await inspect(client, `${registry.host}/a:1`, "{{.Image.OS}}"), "linux");
});
