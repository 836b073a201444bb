import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, test } from "node:test";
import { newKey, simplePayload, startTestSigstore, type TestSigstore, type TestSimpleSignature } from "../testing/test-sigstore.ts";
import { Sigstore } from "./sigstore.ts";
import { verifyKeyedSignature, verifySimpleSignature, type VerifiedSimpleSignature } from "./simple-signing.ts";

const [DIGEST, OTHER] = [`sha256:${"a".repeat(64)}`, `sha256:${"b".repeat(64)}`];
const [SIGNATURE, CERTIFICATE, BUNDLE] = ["dev.cosignproject.cosign/signature", "dev.sigstore.cosign/certificate", "dev.sigstore.cosign/bundle"];

let place: TestSigstore;
let sigstore: Sigstore;
let good: TestSimpleSignature;
before(async () => {
  place = await startTestSigstore();
  sigstore = new Sigstore(Buffer.from(place.trustedRoot));
  good = await place.signSimply(DIGEST, { extensions: { 12: "https://github.com/a/b" } });
});

function verify({ payload, annotations }: TestSimpleSignature, digest = DIGEST): VerifiedSimpleSignature {
  return verifySimpleSignature(sigstore, { payload, annotations, sha256: createHash("sha256").update(payload).digest("hex") }, digest);
}

function isInvalid(message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.equal((error as { code?: unknown }).code, "invalid", String(error));
    assert.match(String(error), message);
    return true;
  };
}

test("a signature in cosign's older form tells who signed, when, and under what name", () => {
  const { signer, timestamps, dockerReference, predicateType } = verify(good);
  assert.deepEqual([signer.subjectAlternativeName, signer.issuer, signer.extensions], ["https://example.com/builder", "https://issuer.example", { sourceRepositoryURI: "https://github.com/a/b" }]);
  assert.deepEqual([dockerReference, predicateType, timestamps.map(({ type, uri }) => [type, uri])], ["docker.io/a/b", undefined, [["Tlog", "https://rekor.example"]]]);
});

test("no such signature holds of another image, of others' authorities, or with any part of it missing or changed", async () => {
  const other = await place.signSimply(OTHER);
  const elsewhere = await (await startTestSigstore()).signSimply(DIGEST);
  const { annotations } = good;
  const entry = JSON.parse(annotations[BUNDLE] ?? "") as { readonly Payload: object };
  const without = (name: string): TestSimpleSignature => ({ ...good, annotations: Object.fromEntries(Object.entries(annotations).filter(([each]) => each !== name)) });
  const withEntry = (changed: object): TestSimpleSignature => ({ ...good, annotations: { ...annotations, [BUNDLE]: JSON.stringify({ ...entry, ...changed }) } });
  const took = (name: string, from: TestSimpleSignature): TestSimpleSignature => ({ ...good, annotations: { ...annotations, [name]: from.annotations[name] ?? "" } });
  const payload = simplePayload(DIGEST) as { readonly critical: object };
  assert.throws(() => verify(good, OTHER), isInvalid(/docker-manifest-digest sha256:a+ which does not match attestation manifest digest sha256:b+/));
  for (const [what, changed] of Object.entries({
    "no signature": without(SIGNATURE), "no certificate": without(CERTIFICATE), "no log": without(BUNDLE),
    "another's signature": took(SIGNATURE, other), "another's certificate": took(CERTIFICATE, other), "another's log entry": took(BUNDLE, other),
    "a key for a certificate": { ...good, annotations: { ...annotations, [CERTIFICATE]: "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n" } },
    "a log entry that is none": { ...good, annotations: { ...annotations, [BUNDLE]: "{" } }, "an empty log entry": { ...good, annotations: { ...annotations, [BUNDLE]: "{}" } },
    "no time": withEntry({ SignedEntryTimestamp: undefined }), "nobody's time": withEntry({ SignedEntryTimestamp: "AA==" }), "another time": withEntry({ Payload: { ...entry.Payload, integratedTime: 1_700_000_000 } }),
    "another place in the log": withEntry({ Payload: { ...entry.Payload, logIndex: 1 } }), "another log": withEntry({ Payload: { ...entry.Payload, logID: "00".repeat(32) } }),
    "another payload": { ...good, payload: Buffer.from(JSON.stringify({ ...payload, optional: { a: 1 } })) },
    "a payload of another kind": await place.signSimply(DIGEST, { payload: { critical: { ...payload.critical, type: "other" } } }), "no payload": await place.signSimply(DIGEST, { payload: {} }),
    "all of another place": elsewhere, "a certificate of another place": took(CERTIFICATE, elsewhere),
  })) assert.throws(() => verify(changed), isInvalid(/./), what);
});

test("what the log has by another certificate does not hold, although key and signature are the same", async () => {
  // The same key may have two certificates, of which the log has seen the other.
  const key = newKey();
  const [mine, theirs] = [await place.signSimply(DIGEST, { key }), await place.signSimply(DIGEST, { key, subjectAltName: "https://example.com/other" })];
  verify(mine);
  verify(theirs);
  const mixed = { payload: mine.payload, annotations: { ...theirs.annotations, [CERTIFICATE]: mine.annotations[CERTIFICATE] ?? "" } };
  assert.throws(() => verify(mixed), isInvalid(/transparency log certificate does not match/));
});

test("a signature by a key that is believed holds with an entry of a log or without, and none of anything else", async () => {
  const [key, other] = [newKey(), newKey()];
  const verifyBy = ({ payload, annotations }: TestSimpleSignature, by = key, manifestDigest = DIGEST): ReturnType<typeof verifyKeyedSignature> =>
    verifyKeyedSignature(sigstore, { payload, annotations, sha256: createHash("sha256").update(payload).digest("hex") }, { manifestDigest, key: by.publicKey });
  const signed = await place.signSimply(DIGEST, { signer: "key", key });
  const { [BUNDLE]: entry = "", ...unlogged } = signed.annotations;
  const said = ({ dockerReference, timestamps }: ReturnType<typeof verifyKeyedSignature>): unknown => [dockerReference, timestamps.map(({ uri }) => uri)];
  assert.deepEqual(said(verifyBy(signed)), ["docker.io/a/b", ["https://rekor.example"]]);
  assert.deepEqual(said(verifyBy({ ...signed, annotations: unlogged })), ["docker.io/a/b", []]);
  const theirs = await place.signSimply(DIGEST, { signer: "key", key: other });
  const elsewhere = await (await startTestSigstore()).signSimply(DIGEST, { signer: "key", key });
  const { [SIGNATURE]: _, ...unsigned } = signed.annotations;
  for (const [what, changed] of Object.entries({
    "another's": theirs, "another's signature": { ...signed, annotations: { ...unlogged, [SIGNATURE]: theirs.annotations[SIGNATURE] ?? "" } }, "no signature": { ...signed, annotations: unsigned },
    "another payload": { payload: Buffer.from(JSON.stringify({ ...simplePayload(DIGEST), more: 1 })), annotations: unlogged }, "a log of another place": elsewhere,
    "another's entry": { ...signed, annotations: { ...unlogged, [BUNDLE]: theirs.annotations[BUNDLE] ?? "" } }, "an empty entry": { ...signed, annotations: { ...unlogged, [BUNDLE]: "" } }, "no time": { ...signed, annotations: { ...unlogged, [BUNDLE]: JSON.stringify({ ...(JSON.parse(entry) as object), SignedEntryTimestamp: undefined }) } },
    "what the log has by a certificate": await place.signSimply(DIGEST, { key }),
  })) assert.throws(() => verifyBy(changed), isInvalid(/./), what);
  assert.throws(() => verifyBy(signed, other), isInvalid(/./));
  assert.throws(() => verifyBy(signed, key, OTHER), isInvalid(/docker-manifest-digest/));
  // A key alone is nothing to who asks for a certificate.
  assert.throws(() => verify(signed), isInvalid(/no annotation dev\.sigstore\.cosign\/certificate/));
});
