import assert from "node:assert/strict";
import { before, test } from "node:test";
import { newKey, startTestSigstore, type TestBundle, type TestSigstore } from "../testing/test-sigstore.ts";
import { signatureKind, type SignatureType } from "./signature-kind.ts";
import { Sigstore, type VerifiedBundle } from "./sigstore.ts";
import type { TrustErrorCode } from "./trust-error.ts";

const [SHA, OTHER] = ["a".repeat(64), "b".repeat(64)];
const SLSA = "https://slsa.dev/provenance/v1";

let place: TestSigstore;
let sigstore: Sigstore;
let bundle: TestBundle;
before(async () => {
  place = await startTestSigstore();
  sigstore = new Sigstore(Buffer.from(place.trustedRoot));
  bundle = await place.attest(SHA, SLSA, { extensions: { 12: "https://github.com/a/b", 14: "refs/tags/v1" } });
});

function verify(given: unknown, sha256 = SHA): VerifiedBundle {
  return sigstore.verify(Buffer.from(typeof given === "string" ? given : JSON.stringify(given)), { sha256, bytes: undefined });
}

function isError(code: TrustErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.equal((error as { code?: unknown }).code, code, String(error));
    assert.match(String(error), message);
    return true;
  };
}

test("a bundle tells who signed, when, and what kind of statement", () => {
  const { signer, timestamps, predicateType } = verify(bundle);
  const { certificateIssuer, ...rest } = signer;
  assert.match(certificateIssuer, /CN=sigstore/);
  assert.deepEqual(rest, { subjectAlternativeName: "https://example.com/builder", issuer: "https://issuer.example", extensions: { sourceRepositoryURI: "https://github.com/a/b", sourceRepositoryRef: "refs/tags/v1" } });
  assert.equal(predicateType, SLSA);
  assert.deepEqual(timestamps.map(({ type, uri }) => [type, uri]), [["Tlog", "https://rekor.example"]]);
  assert.ok(Math.abs(Date.parse(timestamps[0]?.timestamp ?? "") - Date.now()) < 60_000);
});

test("a bundle does not hold for another artifact, of others' authorities, or with any part of it missing or changed", async () => {
  const { verificationMaterial: material, dsseEnvelope: envelope } = bundle;
  const other = await place.attest(OTHER, SLSA);
  assert.throws(() => verify(bundle, OTHER), isError("invalid", /statement is not about sha256:b/));
  const [entry = {}] = material.tlogEntries;
  const { inclusionPromise: _, ...unpromised } = entry as { inclusionPromise?: unknown };
  for (const [what, changed] of Object.entries({
    "another statement": { ...bundle, dsseEnvelope: { ...envelope, payload: other.dsseEnvelope.payload } },
    "another type": { ...bundle, dsseEnvelope: { ...envelope, payloadType: "text/plain" } },
    "another signature": { ...bundle, dsseEnvelope: { ...envelope, signatures: other.dsseEnvelope.signatures } },
    "no signature": { ...bundle, dsseEnvelope: { ...envelope, signatures: [] } },
    "another certificate": { ...bundle, verificationMaterial: { ...material, certificate: other.verificationMaterial.certificate } },
    "no log": { ...bundle, verificationMaterial: { ...material, tlogEntries: [] } },
    "another's log entry": { ...bundle, verificationMaterial: { ...material, tlogEntries: other.verificationMaterial.tlogEntries } },
    "no time": { ...bundle, verificationMaterial: { ...material, tlogEntries: [unpromised] } },
    "another time": { ...bundle, verificationMaterial: { ...material, tlogEntries: [{ ...entry, integratedTime: "1700000000" }] } },
    "a bare key": { ...bundle, verificationMaterial: { ...material, certificate: undefined, publicKey: { hint: "x" } } },
    "all of another place": await (await startTestSigstore()).attest(SHA, SLSA),
    "no bundle": {}, "no JSON": "{",
  })) assert.throws(() => verify(changed), isError("invalid", /./), what);
});

test("a bundle does not hold that the log has by another certificate of the same key", async () => {
  const key = newKey();
  const [mine, theirs] = [await place.attest(SHA, SLSA, { key }), await place.attest(SHA, SLSA, { key, subjectAltName: "https://example.com/other" })];
  verify(mine);
  verify(theirs);
  const { certificate } = mine.verificationMaterial;
  assert.throws(() => verify({ ...theirs, verificationMaterial: { ...theirs.verificationMaterial, certificate } }), isError("invalid", /transparency log certificate does not match/));
});

test("what is no trusted root is told as that", () => {
  for (const text of ["{", "{}", "[]", "null"]) assert.throws(() => new Sigstore(Buffer.from(text)), isError("no-trust-root", /no trusted root of Sigstore/));
});

test("a signature is of Docker's builder, of a repository's own workflow, or somebody's, by what its certificate says", () => {
  const docker = "https://github.com/docker/github-builder/.github/workflows/build.yml@refs/heads/main";
  const own = "https://github.com/a/b/.github/workflows/x.yml@refs/heads/main";
  const kind = (uri: string, change: Partial<VerifiedBundle["signer"]> = {}, times = 1, type: SignatureType = "bundle-v0.3"): string => signatureKind({
    predicateType: SLSA,
    timestamps: Array.from({ length: times }, () => ({ type: "Tlog", uri: "", timestamp: "" })),
    signer: { certificateIssuer: "CN=sigstore-intermediate,O=sigstore.dev", subjectAlternativeName: uri, issuer: "https://token.actions.githubusercontent.com", extensions: { buildSignerURI: uri, runnerEnvironment: "github-hosted", sourceRepositoryURI: "https://github.com/a/b" }, ...change },
  }, type);
  assert.equal(kind(docker), "docker-github-builder");
  assert.equal(kind(docker, { subjectAlternativeName: own }), "self-signed");
  assert.equal(kind(docker, {}, 0), "self-signed");
  assert.equal(kind(docker, {}, 1, "simplesigning-v1"), "self-signed");
  assert.equal(kind(own), "self-signed-github-repo");
  assert.equal(kind(own, {}, 1, "simplesigning-v1"), "self-signed-github-repo");
  assert.equal(kind("https://github.com/a/bc/.github/workflows/x.yml"), "self-signed");
  assert.equal(kind(docker, { issuer: "https://accounts.google.com" }), "self-signed");
  assert.equal(kind(docker, { extensions: { buildSignerURI: docker, runnerEnvironment: "self-hosted", sourceRepositoryURI: "https://github.com/a/b" } }), "self-signed");
  assert.equal(kind(docker, { certificateIssuer: "O=sigstore.dev,CN=sigstore-intermediate" }), "untrusted");
});
