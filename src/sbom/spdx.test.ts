import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { problemsBySpdxSchema, publishedSpdx } from "../testing/published-schemas.ts";
import { debianPackage, sampleDocument } from "../testing/sbom-documents.ts";
import { readSpdx, type SpdxJson, type SpdxPackage } from "../testing/spdx-rules.ts";
import type { DocumentInput } from "./document.ts";
import { spdxDocument } from "./spdx.ts";

const never = new AbortController().signal;

test("keeps the rules of SPDX 2.3, also between elements", async () => {
  assert.deepEqual(readSpdx(await spdxDocument(sampleDocument(), never)).problems, []);
  assert.deepEqual(readSpdx(await spdxDocument(emptyDocument(), never)).problems, []);
});

test("is valid by the published schema of SPDX 2.3", { skip: publishedSpdx.skip }, async () => {
  assert.deepEqual(problemsBySpdxSchema(await spdxDocument(sampleDocument(), never)), []);
  assert.deepEqual(problemsBySpdxSchema(await spdxDocument(emptyDocument(), never)), []);
});

test("equal inputs give equal bytes, whatever the order in which they were found", async () => {
  const input = sampleDocument();
  const reversed = { ...input, files: input.files.toReversed(), scan: { ...input.scan, packages: input.scan.packages.toReversed() } };
  assert.deepEqual(await spdxDocument(reversed, never), await spdxDocument(input, never));
});

test("other contents have another namespace, and an element that stays keeps its id", async () => {
  const [one, other] = [await spdx(sampleDocument()), await spdx({ ...sampleDocument(), files: sampleDocument().files.slice(1) })];
  assert.match(one.documentNamespace, /^https:\/\/example\.org\/sbom\/[0-9a-f]{64}$/);
  assert.notEqual(one.documentNamespace, other.documentNamespace);
  assert.deepEqual(one.packages.map(({ SPDXID }) => SPDXID), other.packages.map(({ SPDXID }) => SPDXID));
  assert.deepEqual(one.files.slice(1).map(({ SPDXID }) => SPDXID), other.files.map(({ SPDXID }) => SPDXID));
});

test("tells of each file its digests, and in BuildKit's words the layer that brought it, with step and lines below", async () => {
  const { files } = await spdx(sampleDocument());
  const file = files.find(({ fileName }) => fileName === "./usr/bin/tiny");
  const digest = (algorithm: string): string => createHash(algorithm).update("run").digest("hex");
  assert.deepEqual(file?.checksums, [{ algorithm: "SHA1", checksumValue: digest("sha1") }, { algorithm: "SHA256", checksumValue: digest("sha256") }]);
  assert.equal(file.comment, `layerID: sha256:${"b".repeat(64)}\nstep: [2/2] RUN apt-get install tiny\ndockerfile: Dockerfile:3-4`);
  assert.equal(files.find(({ fileName }) => fileName === "./usr/lib/libtiny.so.1")?.comment, `layerID: sha256:${"a".repeat(64)}`);
});

test("tells of each package its package-url, who supplies it, its licence, and what brought it", async () => {
  const document = await spdx(sampleDocument());
  const { SPDXID, packageVerificationCode, ...told } = named(document, "tiny") as SpdxPackage & Record<string, unknown>;
  assert.match(SPDXID, /^SPDXRef-Package-deb-tiny-[0-9a-f]{24}$/);
  assert.ok(packageVerificationCode);
  assert.deepEqual(told, {
    name: "tiny", versionInfo: "1:1.0-2", supplier: "Person: Anna Muster (anna@example.org)",
    downloadLocation: "NOASSERTION", licenseConcluded: "NOASSERTION", copyrightText: "NOASSERTION",
    licenseDeclared: document.hasExtractedLicensingInfos?.[0]?.licenseId, filesAnalyzed: true,
    externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: "pkg:deb/debian/tiny@1:1.0-2?arch=amd64&distro=debian-12" }],
    sourceInfo: "found by dpkg", comment: `layerID: sha256:${"b".repeat(64)}\nstep: [2/2] RUN apt-get install tiny\ndockerfile: Dockerfile:3-4`,
  });
  assert.equal(document.hasExtractedLicensingInfos?.[0]?.extractedText, "Tiny License: do as you like");
  assert.equal(named(document, "libtiny1").licenseDeclared, "MIT");
  assert.equal(named(document, "libtiny1").supplier, "Organization: Tiny Team (team@lists.example.org)");
});

test("relates what was scanned, its system, packages and files", async () => {
  const document = await spdx(sampleDocument());
  const names = new Map([...document.packages.map(({ SPDXID, name }) => [SPDXID, name] as const), ...document.files.map(({ SPDXID, fileName }) => [SPDXID, fileName] as const)]);
  const told = document.relationships.map(({ spdxElementId, relationshipType, relatedSpdxElement }) => `${names.get(spdxElementId) ?? spdxElementId} ${relationshipType} ${names.get(relatedSpdxElement)}`);
  const image = "example.org/tiny:1";
  assert.deepEqual(told, [
    `SPDXRef-DOCUMENT DESCRIBES ${image}`,
    `${image} CONTAINS debian`, "debian OTHER ./usr/lib/os-release",
    `${image} CONTAINS libtiny1`, `${image} CONTAINS tiny`,
    ...["srv/notes.txt", "usr/lib/os-release", "var/lib/dpkg/info/libtiny1.list", "var/lib/dpkg/info/tiny.list", "var/lib/dpkg/status"].map((path) => `${image} CONTAINS ./${path}`),
    "libtiny1 CONTAINS ./usr/lib/libtiny.so.1", "libtiny1 OTHER ./var/lib/dpkg/info/libtiny1.list", "libtiny1 OTHER ./var/lib/dpkg/status",
    "tiny CONTAINS ./usr/bin/tiny", "tiny OTHER ./var/lib/dpkg/info/tiny.list", "tiny OTHER ./var/lib/dpkg/status", "tiny DEPENDS_ON libtiny1",
  ]);
  assert.ok(document.relationships.filter(({ relationshipType }) => relationshipType === "OTHER").every(({ comment }) => comment?.startsWith("evident-by: ")));
});

test("one package that lies in two places is told once, with both and with what brought each", async () => {
  const input = sampleDocument();
  const copies = ["usr/bin/tiny", "usr/lib/libtiny.so.1"].map((path, index) => debianPackage({ name: "twice", evidence: [path], broughtBy: path, licenses: [], cataloger: `c${index}` }));
  const document = await spdx({ ...input, scan: { ...input.scan, packages: copies } });
  const { comment } = named(document, "twice");
  assert.equal(document.packages.filter(({ name }) => name === "twice").length, 1);
  assert.deepEqual(comment?.split("\n").filter((line) => line.startsWith("layerID: ")), ["b", "a"].map((digit) => `layerID: sha256:${digit.repeat(64)}`));
});

test("a name that several packages of the same evidence have names none of them", async () => {
  const input = sampleDocument();
  const versions = ["1", "2"].map((version) => debianPackage({ name: "lib", version, evidence: ["var/lib/dpkg/status"] }));
  const needer = debianPackage({ name: "tiny", dependencies: ["lib", "absent"] });
  const { relationships } = await spdx({ ...input, scan: { ...input.scan, packages: [...versions, needer] } });
  assert.deepEqual(relationships.filter(({ relationshipType }) => relationshipType === "DEPENDS_ON"), []);
});

test("what could not be read is told in the document", async () => {
  const input = sampleDocument();
  const { creationInfo } = await spdx({ ...input, scan: { ...input.scan, warnings: ["a.lock: damaged"] } });
  assert.deepEqual(creationInfo, { created: "2023-11-14T22:13:20Z", creators: ["Tool: stemma-0.1.0"], comment: "what could not be read:\na.lock: damaged" });
});

function emptyDocument(): DocumentInput {
  return { ...sampleDocument(), kind: "directory", scan: { osRelease: undefined, packages: [], warnings: [] }, files: [] };
}

function named({ packages }: SpdxJson, name: string): SpdxPackage {
  const found = packages.find((one) => one.name === name);
  assert.ok(found, `no package ${name}`);
  return found;
}

async function spdx(input: DocumentInput): Promise<SpdxJson> {
  return readSpdx(await spdxDocument(input, never)).document;
}
