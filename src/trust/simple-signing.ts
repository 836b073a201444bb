import { X509Certificate, type KeyObject } from "node:crypto";
import { member } from "../content/parsed-value.ts";
import type { Sigstore, VerifiedBundle } from "./sigstore.ts";
import { TrustError } from "./trust-error.ts";

/** A signature as cosign stored it before there were bundles: a layer with what is signed, and all else in its annotations. */
export interface SimpleSignature {
  readonly payload: Uint8Array;
  readonly sha256: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface VerifiedSimpleSignature extends VerifiedBundle {
  /** The name that whoever signed has given the image. It was signed, and may be any. */
  readonly dockerReference: string;
}

const SIGNATURE = "dev.cosignproject.cosign/signature";
const CERTIFICATE = "dev.sigstore.cosign/certificate";
const LOG_ENTRY = "dev.sigstore.cosign/bundle";
const TYPE = "cosign container image signature";

/** Throws TrustError unless it is a signature of that manifest, by what a bundle would have to be signed by. */
export function verifySimpleSignature(sigstore: Sigstore, signature: SimpleSignature, manifestDigest: string): VerifiedSimpleSignature {
  const dockerReference = referenceOf(signature.payload, manifestDigest);
  const certificate = certificateOf(needed(signature.annotations, CERTIFICATE));
  const entry = logEntryOf(needed(signature.annotations, LOG_ENTRY));
  const bundle = bundleOf(signature, { x509CertificateChain: { certificates: [{ rawBytes: certificate.raw.toString("base64") }] } }, entry);
  return { ...sigstore.verify(bundle, { sha256: signature.sha256, bytes: signature.payload }), dockerReference };
}

/** The same by that key, and no certificate; without an entry of a log nobody has signed when that was. */
export function verifyKeyedSignature(sigstore: Sigstore, signature: SimpleSignature, { manifestDigest, key }: { readonly manifestDigest: string; readonly key: KeyObject }): Omit<VerifiedSimpleSignature, "signer"> {
  const dockerReference = referenceOf(signature.payload, manifestDigest);
  const logEntry = signature.annotations[LOG_ENTRY];
  const entry = logEntry === undefined ? undefined : logEntryOf(logEntry);
  return { ...sigstore.verifyByKey(bundleOf(signature, { publicKey: { hint: "" } }, entry), { sha256: signature.sha256, bytes: signature.payload }, key), dockerReference };
}

/** As a bundle would say it. */
function bundleOf({ sha256, annotations }: SimpleSignature, signer: object, entry: LogEntry | undefined): Uint8Array {
  const tlogEntries = entry === undefined ? [] : [{
    logIndex: String(entry.logIndex), logId: { keyId: Buffer.from(entry.logID, "hex").toString("base64") }, kindVersion: { kind: "hashedrekord", version: "0.0.1" }, integratedTime: String(entry.integratedTime),
    inclusionPromise: { signedEntryTimestamp: entry.signedEntryTimestamp }, canonicalizedBody: entry.body,
  }];
  return Buffer.from(JSON.stringify({
    mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.1",
    verificationMaterial: { ...signer, tlogEntries },
    messageSignature: { messageDigest: { algorithm: "SHA2_256", digest: Buffer.from(sha256, "hex").toString("base64") }, signature: needed(annotations, SIGNATURE) },
  }));
}

function needed(annotations: SimpleSignature["annotations"], name: string): string {
  const value = annotations[name] ?? "";
  if (value === "") throw new TrustError("invalid", `simple signing layer has no annotation ${name}`);
  return value;
}

/** What is signed has to be about that manifest, and has to be meant as a signature of an image. */
function referenceOf(payload: Uint8Array, manifestDigest: string): string {
  const critical = member(parsed(payload, "simple signing payload"), "critical");
  const digest = member(member(critical, "image"), "docker-manifest-digest");
  if (digest !== manifestDigest) throw new TrustError("invalid", `simple signing payload has docker-manifest-digest ${String(digest)} which does not match attestation manifest digest ${manifestDigest}`);
  const type = member(critical, "type");
  if (type !== TYPE) throw new TrustError("invalid", `simple signing payload has invalid type ${JSON.stringify(type)}`);
  const reference = member(member(critical, "identity"), "docker-reference");
  return typeof reference === "string" ? reference : "";
}

/** The first of those that are there; the others are how cosign finds an authority, and we know ours. */
function certificateOf(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new TrustError("invalid", `no PEM certificate found in annotation ${CERTIFICATE}`, { cause: error });
  }
}

interface LogEntry {
  readonly body: string;
  readonly signedEntryTimestamp: string;
  readonly logID: string;
  readonly integratedTime: number;
  readonly logIndex: number;
}

/** Rekor's answer as cosign keeps it. */
function logEntryOf(json: string): LogEntry {
  const bundle = parsed(Buffer.from(json), `annotation ${LOG_ENTRY}`);
  const payload = member(bundle, "Payload");
  const [body, signedEntryTimestamp, logID] = [member(payload, "body"), member(bundle, "SignedEntryTimestamp"), member(payload, "logID")];
  const [integratedTime, logIndex] = [member(payload, "integratedTime"), member(payload, "logIndex")];
  if (typeof body !== "string" || typeof signedEntryTimestamp !== "string" || typeof logID !== "string" || !/^(?:[0-9a-f]{2})+$/.test(logID) || !isCount(integratedTime) || !isCount(logIndex)) {
    throw new TrustError("invalid", `annotation ${LOG_ENTRY} is no entry of a log with its time signed`);
  }
  return { body, signedEntryTimestamp, logID, integratedTime, logIndex };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function parsed(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    throw new TrustError("invalid", `${what} is no JSON`, { cause: error });
  }
}
