import assert from "node:assert/strict";
import { test } from "node:test";
import { problemsByCyclonedxSchema } from "../testing/published-schemas.ts";
import { debianPackage, sampleDocument } from "../testing/sbom-documents.ts";
import { readSpdx } from "../testing/spdx-rules.ts";
import { cyclonedxDocument } from "./cyclonedx.ts";
import type { DocumentInput } from "./document.ts";
import { spdxDocument } from "./spdx.ts";

const never = new AbortController().signal;

test("is valid by the published schema of CycloneDX 1.6", async () => {
  assert.deepEqual(problemsByCyclonedxSchema(await cyclonedxDocument(sampleDocument(), never)), []);
  const empty: DocumentInput = { ...sampleDocument(), kind: "directory", scan: { osRelease: undefined, packages: [], warnings: ["a.lock: damaged"] }, files: [] };
  assert.deepEqual(problemsByCyclonedxSchema(await cyclonedxDocument(empty, never)), []);
});

test("equal inputs give equal bytes, other contents another serial number", async () => {
  const bytes = await cyclonedxDocument(sampleDocument(), never);
  assert.deepEqual(await cyclonedxDocument(sampleDocument(), never), bytes);
  const [one, other] = [read(bytes), await bom({ ...sampleDocument(), files: [] })];
  assert.match(one.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(one.serialNumber, other.serialNumber);
});

test("tells of a package what the document of SPDX tells", async () => {
  const { components, dependencies } = await bom(sampleDocument());
  const [system, library, tiny] = components;
  assert.deepEqual([system?.type, system?.name, system?.version], ["operating-system", "debian", "12"]);
  assert.deepEqual(tiny, {
    "bom-ref": "pkg:deb/debian/tiny@1:1.0-2?arch=amd64&distro=debian-12", type: "library",
    supplier: { name: "Anna Muster", contact: [{ email: "anna@example.org" }] },
    name: "tiny", version: "1:1.0-2",
    licenses: [{ license: { name: "Tiny License: do as you like", acknowledgement: "declared" } }],
    purl: "pkg:deb/debian/tiny@1:1.0-2?arch=amd64&distro=debian-12",
    properties: [...installedBy, { name: "stemma:cataloger", value: "dpkg" }],
    components: [{
      type: "file", name: "usr/bin/tiny", properties: installedBy,
      hashes: [{ alg: "SHA-1", content: "df6ad19037c97987c4ff9792810c0e145356717c" }, { alg: "SHA-256", content: "acba25512100f80b56fc3ccd14c65be55d94800cda77585c5f41a887e398f9be" }],
    }],
    evidence: { occurrences: [{ location: "var/lib/dpkg/info/tiny.list" }, { location: "var/lib/dpkg/status" }] },
  });
  assert.deepEqual(library?.licenses, [{ license: { id: "MIT", acknowledgement: "declared" } }]);
  assert.deepEqual(dependencies, [{ ref: tiny["bom-ref"], dependsOn: [library["bom-ref"]] }]);
});

test("has the packages and the files of the document of SPDX", async () => {
  const [{ document }, { components }] = [readSpdx(await spdxDocument(sampleDocument(), never)), await bom(sampleDocument())];
  const purls = document.packages.flatMap(({ externalRefs = [] }) => externalRefs.map(({ referenceLocator }) => referenceLocator));
  assert.deepEqual(components.flatMap(({ purl = [] }) => purl), purls);
  const files = [...components, ...components.flatMap((one) => one.components ?? [])].filter(({ type }) => type === "file").map(({ name }) => `./${name}`);
  assert.deepEqual(files.toSorted(), document.files.map(({ fileName }) => fileName));
});

test("a licence of several parts is an expression, and a scope is the group", async () => {
  const input = sampleDocument();
  const one = debianPackage({ name: "core", type: "npm", namespace: "@angular", licenses: ["MIT OR Apache-2.0"], supplier: "Angular <angular@example.org>", homepage: "https://angular.example.org" });
  const document: DocumentInput = { ...input, scan: { ...input.scan, packages: [one] } };
  const found = (await bom(document)).components.find(({ name }) => name === "core");
  assert.deepEqual([found?.group, found?.licenses], ["@angular", [{ expression: "MIT OR Apache-2.0", acknowledgement: "declared" }]]);
  assert.deepEqual(problemsByCyclonedxSchema(await cyclonedxDocument(document, never)), []);
});

const installedBy = [
  { name: "stemma:layer", value: `sha256:${"b".repeat(64)}` }, { name: "stemma:step", value: "[2/2] RUN apt-get install tiny" }, { name: "stemma:dockerfile", value: "Dockerfile:3-4" },
];

interface Component {
  readonly "bom-ref"?: string;
  readonly type: string;
  readonly name: string;
  readonly version?: string;
  readonly group?: string;
  readonly purl?: string;
  readonly licenses?: readonly object[];
  readonly components?: readonly Component[];
}

interface Bom {
  readonly serialNumber: string;
  readonly components: readonly Component[];
  readonly dependencies: ReadonlyArray<{ readonly ref: string; readonly dependsOn: readonly string[] }>;
}

async function bom(input: DocumentInput): Promise<Bom> {
  return read(await cyclonedxDocument(input, never));
}

function read(bytes: Uint8Array): Bom {
  // What we wrote ourselves; the schema test holds its shape.
  return JSON.parse(Buffer.from(bytes).toString("utf8")) as Bom;
}
