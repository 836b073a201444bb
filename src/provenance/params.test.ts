import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAttestations, parseMetadataMode, type AttestationFlags, type ProvenancePlan } from "./params.ts";

const NONE: AttestationFlags = { attest: [], provenance: undefined, sbom: undefined, noDefault: undefined, buildArgs: new Map(), environmentBuilder: undefined };
const MAX: ProvenancePlan = {
  mode: "max", version: "v1", builder: { id: "", basis: "none" }, filename: "provenance.json", reproducible: false, inlineOnly: false, completeMaterials: false, captureUsage: false,
};

function provenance(flags: Partial<AttestationFlags>): ProvenancePlan | undefined {
  return parseAttestations({ ...NONE, ...flags }).provenance;
}

test("with nothing said, images get a min provenance, unless the environment declines", () => {
  assert.deepEqual(provenance({}), { ...MAX, mode: "min", inlineOnly: true });
  assert.equal(provenance({ noDefault: "1" }), undefined);
  assert.deepEqual(provenance({ noDefault: "1", provenance: "true" }), MAX);
  assert.throws(() => provenance({ noDefault: "maybe" }), { message: 'invalid BUILDX_NO_DEFAULT_ATTESTATIONS: strconv.ParseBool: parsing "maybe": invalid syntax' });
});

test("a provenance that is asked for is max", () => {
  assert.deepEqual(provenance({ provenance: "true" }), MAX);
  assert.deepEqual(provenance({ provenance: "mode=full" }), MAX);
  assert.deepEqual(provenance({ attest: ["type=provenance"] }), MAX);
  assert.deepEqual(provenance({ provenance: "mode=min" }), { ...MAX, mode: "min" });
});

test("every parameter is read", () => {
  const attest = ['type=provenance,mode=min,version=v0.2,reproducible=true,inline-only=1,filename=p.json,complete-materials=t,capture-usage=true,"builder-id=https://ci.example/a,b"'];
  assert.deepEqual(provenance({ attest }), {
    mode: "min", version: "v0.2", builder: { id: "https://ci.example/a,b", basis: "request" }, filename: "p.json", reproducible: true, inlineOnly: true, completeMaterials: true, captureUsage: true,
  });
});

test("the environment names the builder where nobody else does, not even an empty one", () => {
  const environmentBuilder = "https://ci.example/workflow";
  const builder = (flags: Partial<AttestationFlags>): unknown => provenance({ environmentBuilder, ...flags })?.builder;
  assert.deepEqual(builder({}), { id: environmentBuilder, basis: "environment" });
  assert.deepEqual(builder({ provenance: "builder-id=https://mine" }), { id: "https://mine", basis: "request" });
  assert.deepEqual(builder({ provenance: "builder-id=" }), { id: "", basis: "request" });
});

test("it can be switched off", () => {
  assert.equal(provenance({ provenance: "false" }), undefined);
  assert.equal(provenance({ attest: ["type=provenance,disabled=true"] }), undefined);
});

test("of one type the first counts: --attest before --provenance", () => {
  assert.equal(provenance({ attest: ["type=provenance,mode=min", "type=provenance,mode=max"] })?.mode, "min");
  assert.equal(provenance({ attest: ["type=provenance"], provenance: "false" })?.mode, "max");
  assert.equal(provenance({ attest: ["type=provenance,disabled=true"], provenance: "mode=max" }), undefined);
});

test("a build argument may ask, and beats the default only", () => {
  const buildArgs = new Map([["BUILDKIT_ATTEST_PROVENANCE", "mode=max"], ["OTHER", "x"]]);
  assert.equal(provenance({ buildArgs })?.mode, "max");
  assert.equal(provenance({ buildArgs, provenance: "mode=min" })?.mode, "min");
});

test("an SBOM has BuildKit's scanner unless another is named", () => {
  const sbom = (flags: Partial<AttestationFlags>): unknown => parseAttestations({ ...NONE, ...flags }).sbom;
  assert.equal(sbom({}), undefined);
  assert.deepEqual(sbom({ sbom: "true" }), { generator: undefined, formats: ["spdx"], params: {} });
  assert.deepEqual(sbom({ attest: ["type=sbom,generator=a/b,x=y"] }), { generator: "a/b", formats: ["spdx"], params: { x: "y" } });
  assert.deepEqual(sbom({ sbom: "format=cyclonedx" }), { generator: undefined, formats: ["cyclonedx"], params: {} });
  for (const both of ["format=cyclonedx,format=spdx", "format=cyclonedx+spdx"]) assert.deepEqual(sbom({ sbom: both }), { generator: undefined, formats: ["cyclonedx", "spdx"], params: {} });
  assert.throws(() => sbom({ sbom: "format=swid" }), { message: /^invalid sbom format "swid"/ });
  assert.throws(() => sbom({ sbom: "formt=spdx" }), { message: /^unknown sbom parameter "formt"/ });
  assert.equal(sbom({ sbom: "false" }), undefined);
  assert.throws(() => sbom({ sbom: "generator=" }), { message: "sbom generator cannot be empty" });
});

test("mistakes are named in BuildKit's words", () => {
  const cases: ReadonlyArray<readonly [Partial<AttestationFlags>, string]> = [
    [{ provenance: "mode=bad" }, 'invalid mode "bad"'],
    [{ provenance: "version=v9" }, "invalid provenance SLSA version: v9"],
    [{ provenance: "version=" }, "provenance SLSA version cannot be empty"],
    [{ provenance: "reproducible=x" }, 'failed to parse reproducible flag "x": strconv.ParseBool: parsing "x": invalid syntax'],
    [{ provenance: "complete-materials=x" }, 'failed to parse complete-materials flag "x": strconv.ParseBool: parsing "x": invalid syntax'],
    [{ provenance: "max" }, "invalid value max"],
    [{ attest: ["mode=max"] }, "attestation type not specified"],
    [{ attest: ["type=slsa"] }, 'unknown attestation type "slsa"'],
    [{ attest: ["type=provenance,disabled=x"] }, 'invalid value disabled=x: strconv.ParseBool: parsing "x": invalid syntax'],
    [{ attest: [""] }, "EOF"],
  ];
  for (const [flags, text] of cases) assert.throws(() => provenance(flags), { name: "InvalidAttestationError", message: text });
});

test("the metadata file's share is min unless said otherwise", () => {
  for (const text of [undefined, "", "min", "true", "anything"]) assert.equal(parseMetadataMode(text), "min");
  for (const text of ["disabled", "false", "0"]) assert.equal(parseMetadataMode(text), "disabled");
  assert.equal(parseMetadataMode("max"), "max");
});
