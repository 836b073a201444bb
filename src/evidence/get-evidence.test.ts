import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { digestOf } from "../content/digest.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { conformanceFolder } from "../testing/conformance.ts";
import { openEvidencePlace, type EvidencePlace } from "../testing/evidence-place.ts";
import { CYCLONEDX, sampleBundle, sampleStatement, SIGSTORE_BUNDLE, SLSA_V1, SPDX } from "../testing/evidence-samples.ts";
import { openSampleImage } from "../testing/sample-image.ts";
import { ImageError } from "../trace/image-error.ts";
import { openImage } from "../trace/open-image.ts";
import { EvidenceError, type EvidenceErrorCode } from "./evidence-error.ts";
import { getEvidence, type EvidenceQuestion, type FoundEvidence } from "./get-evidence.ts";

const samples = conformanceFolder("samples");

async function get(place: EvidencePlace, path: string, question: EvidenceQuestion): Promise<FoundEvidence> {
  return await place.with(path, (image) => getEvidence(image, question, place.signal));
}

function refuses(code: EvidenceErrorCode, ...words: readonly string[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof EvidenceError, String(error));
    assert.equal(error.code, code, error.message);
    for (const word of words) assert.ok(error.message.includes(word), `${word} in: ${error.message}`);
    return true;
  };
}

test("takes the document out of BuildKit's SBOM and provenance, and the statement with it", { skip: samples.skip }, async () => {
  await using image = await openSampleImage(join(samples.path, "10-sbom-fake-scanner/registry"));
  const { signal } = new AbortController();
  await using open = await openImage(image.name, { client: image.client, cwd: "/" }, signal);

  const sbom = await getEvidence(open, { type: "sbom" }, signal);
  const document = JSON.parse(sbom.document) as { readonly spdxVersion: string; readonly SPDXID: string };
  assert.match(`${document.spdxVersion} ${document.SPDXID}`, /^SPDX-2\.\d SPDXRef-DOCUMENT$/);
  const statement = JSON.parse(sbom.statement) as { readonly predicateType: string; readonly predicate: unknown };
  assert.deepEqual([statement.predicateType, statement.predicate], [SPDX, document]);
  const provenance = await getEvidence(open, { type: "provenance", platform: "linux/amd64" }, signal);
  assert.ok("buildDefinition" in (JSON.parse(provenance.document) as object));
});

test("keeps numbers and texts of a document as they were written", async () => {
  await using place = await openEvidencePlace();

  const image = await place.samples.image("linux/amd64", "numbers");
  const bytes = Buffer.from(`{"_type":"x","predicateType":"${SPDX}","subject":[],"predicate":{"size":12345678901234567890,"ratio":1.0,"name":"\\u003ca\\u003e"}}`);
  await place.samples.index([image, await place.samples.attestation(image, [{ predicateType: SPDX, bytes }])], "1");
  assert.equal((await get(place, "a:1", { type: "sbom" })).document, '{\n  "size": 12345678901234567890,\n  "ratio": 1.0,\n  "name": "\\u003ca\\u003e"\n}');
});

test("finds SPDX and CycloneDX, and asks for the format where there are both", async () => {
  await using place = await openEvidencePlace();

  const image = await place.samples.image("linux/amd64", "both", MEDIA_TYPE.ociManifest, "1");
  const spdx = sampleStatement(image.digest, SPDX, { spdxVersion: "SPDX-2.3", name: "s" });
  const cyclonedx = sampleStatement(image.digest, CYCLONEDX, { bomFormat: "CycloneDX" });
  await place.samples.referrer(image, MEDIA_TYPE.inToto, spdx.bytes);
  await place.samples.referrer(image, SIGSTORE_BUNDLE, sampleBundle(spdx.bytes));
  assert.match((await get(place, "a:1", { type: "sbom" })).document, /SPDX-2\.3/);
  await place.samples.referrer(image, SIGSTORE_BUNDLE, sampleBundle(cyclonedx.bytes));
  await assert.rejects(get(place, "a:1", { type: "sbom" }), refuses("usage", "several statements of SBOM; choose one with --format or --digest", `${SPDX} "s"`, CYCLONEDX));
  assert.match((await get(place, "a:1", { type: "sbom", format: "cyclonedx" })).document, /"bomFormat": "CycloneDX"/);
  assert.match((await get(place, "a:1", { type: "sbom", format: "spdx" })).document, /SPDX-2\.3/);
  await assert.rejects(get(place, "a:1", { type: "provenance", format: "spdx" }), refuses("usage"));
});

test("names the statements where there are several, and takes the one that is named", async () => {
  await using place = await openEvidencePlace();

  const image = await place.samples.image("linux/amd64", "stages");
  const [first, second] = [sampleStatement(image.digest, SPDX, { name: "image" }), sampleStatement(image.digest, SPDX, { name: "stage" })];
  await place.samples.index([image, await place.samples.attestation(image, [first, second])], "1");
  await assert.rejects(get(place, "a:1", { type: "sbom" }), refuses("usage", '"image"', '"stage"', "--digest"));
  assert.match((await get(place, "a:1", { type: "sbom", digest: digestOf(second.bytes) })).document, /"stage"/);
  await assert.rejects(get(place, "a:1", { type: "sbom", digest: `sha256:${"0".repeat(64)}` }), refuses("not-found", "there is sha256:"));
});

test("says what is missing, which platforms there are, and what is about another image", async () => {
  await using place = await openEvidencePlace();

  const [amd, arm] = [await place.samples.image("linux/amd64", "amd"), await place.samples.image("linux/arm64/v8", "arm")];
  const stray = await place.samples.attestation(arm, [sampleStatement(amd.digest, SLSA_V1, { of: "amd" })]);
  await place.samples.index([amd, arm, stray], "1");
  await assert.rejects(get(place, "a:1", { type: "sbom" }), (error) => error instanceof ImageError && error.code === "usage" && error.message.endsWith("--platform: linux/amd64, linux/arm64"));
  await assert.rejects(get(place, "a:1", { type: "sbom", platform: "linux/s390x" }), (error) => error instanceof ImageError && error.code === "not-found");
  await assert.rejects(get(place, "a:1", { type: "sbom", platform: "linux/amd64" }), refuses("not-found", "a:1 (linux/amd64): no SBOM, neither in the index nor among what refers to the image"));
  await assert.rejects(get(place, "a:1", { type: "provenance", platform: "linux/arm64/v8" }), refuses("verification", "about another image", arm.digest));
});

test("writes the tag-value form of SPDX as the text that it is", async () => {
  await using place = await openEvidencePlace();

  const image = await place.samples.image("linux/amd64", "tag-value", MEDIA_TYPE.ociManifest, "1");
  const { bytes } = sampleStatement(image.digest, SPDX, {});
  await place.samples.referrer(image, MEDIA_TYPE.inToto, Buffer.from(bytes.toString().replace('"predicate":{}', String.raw`"predicate":"SPDXVersion: SPDX-2.2\n"`)));
  assert.equal((await get(place, "a:1", { type: "sbom" })).document, "SPDXVersion: SPDX-2.2\n");
});
