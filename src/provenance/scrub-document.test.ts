import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { conformanceFolder } from "../testing/conformance.ts";
import { CYCLONEDX, sampleStatement, SLSA_V1, SPDX } from "../testing/evidence-samples.ts";
import { scrubDocument } from "./scrub-document.ts";

const TOKEN = `ghp_${"a1B2".repeat(9)}`;
const samples = conformanceFolder("samples");

function scrubbed(predicateType: string, predicate: unknown): { readonly predicate: Record<string, unknown>; readonly text: string; readonly places: readonly string[] } {
  const bytes = Buffer.from(JSON.stringify({ _type: "https://in-toto.io/Statement/v1", predicateType, subject: [{ name: "x", digest: { sha256: "ab" } }], predicate }));
  const { bytes: after, redactions } = scrubDocument(bytes, predicateType);
  const text = Buffer.from(after).toString();
  return { predicate: (JSON.parse(text) as { predicate: Record<string, unknown> }).predicate, text, places: redactions.map(({ place }) => place) };
}

test("a provenance says in its metadata what was masked", () => {
  const { predicate, text } = scrubbed(SLSA_V1, { buildDefinition: { externalParameters: { request: { args: { "build-arg:NPM_TOKEN": TOKEN } } } }, runDetails: { metadata: { invocationId: "i" } } });
  assert.ok(!text.includes(TOKEN));
  assert.deepEqual(predicate["runDetails"], { metadata: { invocationId: "i", stemma_redacted: [{ place: "build-arg:NPM_TOKEN", kind: "secret-variable" }] } });
});

test("an SPDX document says so in its comment, and is one still", () => {
  const packages = [{ name: "a", SPDXID: "SPDXRef-a", downloadLocation: `https://me:${TOKEN}@host/a.tgz`, checksums: [{ algorithm: "SHA256", checksumValue: "0".repeat(64) }] }];
  const { predicate, text, places } = scrubbed(SPDX, { spdxVersion: "SPDX-2.3", comment: "made by hand", packages });
  assert.ok(!text.includes(TOKEN));
  assert.deepEqual(predicate["packages"], [{ ...packages[0], downloadLocation: "https://xxxxx:xxxxx@host/a.tgz" }]);
  assert.deepEqual([...new Set(places)], ["predicate.packages[0].downloadLocation"]);
  assert.match(String(predicate["comment"]), /^made by hand\nstemma_redacted: predicate\.packages\[0\]\.downloadLocation \(url-credentials\)/);
});

test("SPDX's tag-value form says so in a comment of its own", () => {
  const { text } = scrubbed(SPDX, `SPDXVersion: SPDX-2.2\nPackageDownloadLocation: https://me:${TOKEN}@host/a.tgz\n`);
  assert.match((JSON.parse(text) as { readonly predicate: string }).predicate, /^SPDXVersion: SPDX-2\.2\nPackageDownloadLocation: https:\/\/xxxxx:xxxxx@host\/a\.tgz\n# stemma_redacted: predicate \(url-credentials\).*\n$/);
});

test("a CycloneDX document says so in a property", () => {
  const { predicate, text } = scrubbed(CYCLONEDX, { bomFormat: "CycloneDX", specVersion: "1.6", metadata: { timestamp: "t", properties: [{ name: "a", value: "b" }] }, externalReferences: [{ type: "vcs", url: `https://me:${TOKEN}@host/` }] });
  assert.ok(!text.includes(TOKEN));
  const { timestamp, properties } = predicate["metadata"] as { readonly timestamp: string; readonly properties: ReadonlyArray<{ readonly name: string; readonly value: string }> };
  assert.deepEqual([timestamp, properties[0]], ["t", { name: "a", value: "b" }]);
  assert.match(JSON.stringify(properties[1]), /^\{"name":"stemma:redacted","value":"predicate\.externalReferences\[0\]\.url \(url-credentials\)/);
});

test("other predicates are judged by the names of their members too", () => {
  const { predicate, text } = scrubbed("https://example.com/scan/v1", { config: { API_TOKEN: "hunter2-hunter2", mode: "fast" }, log: "used hunter2-hunter2" });
  assert.ok(!text.includes("hunter2"));
  assert.deepEqual(predicate["config"], { API_TOKEN: "xxxxx", mode: "fast" });
  assert.deepEqual((predicate["stemma_redacted"] as Array<{ place: string }>).map(({ place }) => place), ["predicate.config.API_TOKEN", "predicate.log"]);
});

test("what has no secret keeps its bytes, and so does what was scrubbed once", { skip: samples.skip }, () => {
  const spdx = readFileSync(join(samples.path, "10-sbom-fake-scanner/registry/manifest1-attestation.layer0.spdx.dev_Document.json"));
  assert.equal(scrubDocument(spdx, SPDX).bytes, spdx);
  const { bytes } = sampleStatement(undefined, CYCLONEDX, { externalReferences: [{ url: `https://me:${TOKEN}@host/` }] });
  const once = scrubDocument(bytes, CYCLONEDX).bytes;
  assert.notEqual(once, bytes);
  assert.equal(scrubDocument(once, CYCLONEDX).bytes, once);
});
