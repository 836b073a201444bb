import { createHash, generateKeyPairSync, sign, type KeyObject, type KeyPairKeyObjectResult } from "node:crypto";
import { initializeCA, initializeCTLog, initializeTLog } from "@sigstore/mock";
import { HashAlgorithm, PublicKeyDetails, TrustedRoot } from "@sigstore/protobuf-specs";

const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const STATEMENT = "application/vnd.in-toto+json";

export interface SigningOptions {
  readonly subjectAltName?: string;
  /** By the last number of Fulcio's extensions. */
  readonly extensions?: Readonly<Record<number, string>>;
  /** A new one where there is none. */
  readonly key?: KeyPairKeyObjectResult;
}

/** A Sigstore of our own: an authority, a log of its certificates, and a log of signatures. */
export interface TestSigstore {
  /** `trusted_root.json` */
  readonly trustedRoot: string;
  /** A bundle that signs a statement about a digest. */
  attest(sha256: string, predicateType: string, options?: SigningOptions): Promise<TestBundle>;
  /** What cosign stored for an image before there were bundles. */
  signSimply(digest: string, options?: SigningOptions & { readonly payload?: object; readonly signer?: "certificate" | "key" }): Promise<TestSimpleSignature>;
}

export interface TestSimpleSignature {
  readonly payload: Buffer;
  /** Of the layer with the payload. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** The payload that cosign signs. */
export function simplePayload(digest: string): object {
  return { critical: { identity: { "docker-reference": "docker.io/a/b" }, image: { "docker-manifest-digest": digest }, type: "cosign container image signature" }, optional: null };
}

/** As it is serialised; tests change it. */
export interface TestBundle {
  readonly mediaType: string;
  readonly verificationMaterial: {
    readonly certificate: { readonly rawBytes: string };
    readonly tlogEntries: readonly object[];
  };
  readonly dsseEnvelope: { readonly payloadType: string; readonly payload: string; readonly signatures: ReadonlyArray<{ readonly sig: string }> };
}

export function newKey(): KeyPairKeyObjectResult {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

export async function startTestSigstore(): Promise<TestSigstore> {
  const certificates = await initializeCTLog(newKey());
  const authority = await initializeCA(newKey(), certificates);
  const log = await initializeTLog("https://rekor.example", newKey());
  const validFor = { start: "2020-01-01T00:00:00Z" };
  const logInstance = (baseUrl: string, publicKey: Buffer): object => ({
    baseUrl, hashAlgorithm: HashAlgorithm[HashAlgorithm.SHA2_256],
    logId: { keyId: createHash("sha256").update(publicKey).digest("base64") },
    publicKey: { rawBytes: publicKey.toString("base64"), keyDetails: PublicKeyDetails[PublicKeyDetails.PKIX_ECDSA_P256_SHA_256], validFor },
  });
  const root = TrustedRoot.fromJSON({
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: [logInstance("https://rekor.example", log.publicKey)],
    ctlogs: [logInstance("https://ct.example", certificates.publicKey)],
    certificateAuthorities: [{ subject: { organization: "example", commonName: "example" }, uri: "https://fulcio.example", certChain: { certificates: [{ rawBytes: bytesOf(authority.rootCertificate).toString("base64") }] }, validFor }],
    timestampAuthorities: [],
  });
  return {
    trustedRoot: JSON.stringify(TrustedRoot.toJSON(root)),
    async attest(sha256, predicateType, options = {}) {
      const { certificate, privateKey } = await issued(authority, options);
      const payload = Buffer.from(JSON.stringify({ _type: "https://in-toto.io/Statement/v1", subject: [{ name: "x", digest: { sha256 } }], predicateType, predicate: {} }));
      const signature = sign("sha256", Buffer.concat([Buffer.from(`DSSEv1 ${STATEMENT.length} ${STATEMENT} ${payload.length} `), payload]), privateKey);
      const envelope = { payloadType: STATEMENT, payload: payload.toString("base64"), signatures: [{ sig: signature.toString("base64") }] };
      return { mediaType: BUNDLE, verificationMaterial: { certificate: { rawBytes: certificate.toString("base64") }, tlogEntries: [await envelopeEntry(log, certificate, envelope)] }, dsseEnvelope: envelope };
    },
    async signSimply(digest, { payload = simplePayload(digest), signer = "certificate", key = newKey(), ...options } = {}) {
      const { certificate, privateKey } = await issued(authority, { ...options, key });
      const who = signer === "key" ? String(key.publicKey.export({ format: "pem", type: "spki" })) : pem(certificate);
      const bytes = Buffer.from(JSON.stringify(payload));
      const signature = sign("sha256", bytes, privateKey).toString("base64");
      const entry = await logged(log, {
        apiVersion: "0.0.1", kind: "hashedrekord",
        spec: { data: { hash: sha256Of(bytes) }, signature: { content: signature, publicKey: { content: Buffer.from(who).toString("base64") } } },
      });
      const { body, integratedTime, logIndex, logID, verification } = entry;
      return {
        payload: bytes,
        annotations: {
          "dev.cosignproject.cosign/signature": signature,
          ...(signer === "key" ? {} : { "dev.sigstore.cosign/certificate": pem(certificate), "dev.sigstore.cosign/chain": pem(bytesOf(authority.rootCertificate)) }),
          "dev.sigstore.cosign/bundle": JSON.stringify({ SignedEntryTimestamp: verification.signedEntryTimestamp, Payload: { body, integratedTime, logIndex, logID } }),
        },
      };
    },
  };
}

type Authority = Awaited<ReturnType<typeof initializeCA>>;
type Log = Awaited<ReturnType<typeof initializeTLog>>;

/** A key with a certificate for it. */
async function issued(authority: Authority, { subjectAltName = "https://example.com/builder", extensions = {}, key = newKey() }: SigningOptions): Promise<{ readonly certificate: Buffer; readonly privateKey: KeyObject }> {
  const { privateKey, publicKey } = key;
  const certificate = bytesOf(await authority.issueCertificate({
    publicKey: new Uint8Array(publicKey.export({ format: "der", type: "spki" })), subjectAltName,
    extensions: Object.entries({ 8: "https://issuer.example", ...extensions }).map(([number, value]) => ({ oid: `1.3.6.1.4.1.57264.1.${number}`, value })),
  }));
  return { certificate, privateKey };
}

function pem(certificate: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${certificate.toString("base64").replace(/.{1,64}/g, "$&\n")}-----END CERTIFICATE-----\n`;
}

function sha256Of(bytes: Uint8Array | string): object {
  return { algorithm: "sha256", value: createHash("sha256").update(bytes).digest("hex") };
}

interface LogEntry {
  readonly body: string;
  readonly integratedTime: number;
  readonly logID: string;
  readonly logIndex: number;
  readonly verification: {
    readonly signedEntryTimestamp: string;
    readonly inclusionProof: { readonly logIndex: number; readonly rootHash: string; readonly treeSize: number; readonly checkpoint: string };
  };
}

async function logged(log: Log, entry: Parameters<Log["log"]>[0]): Promise<LogEntry> {
  // Its types are in a package that it does not bring along.
  const [answer] = Object.values(await log.log(entry)) as LogEntry[];
  if (answer === undefined) throw new Error("the log gave no entry");
  return answer;
}

/** Rekor's kind `dsse`, version 0.0.1: hashes of the envelope and of its payload. */
async function envelopeEntry(log: Log, certificate: Buffer, envelope: TestBundle["dsseEnvelope"]): Promise<object> {
  const verifier = Buffer.from(pem(certificate)).toString("base64");
  const entry = await logged(log, {
    apiVersion: "0.0.1", kind: "dsse",
    spec: { envelopeHash: sha256Of(JSON.stringify(envelope)), payloadHash: sha256Of(Buffer.from(envelope.payload, "base64")), signatures: envelope.signatures.map(({ sig }) => ({ signature: sig, verifier })) },
  });
  const { inclusionProof: proof, signedEntryTimestamp } = entry.verification;
  return {
    logIndex: String(entry.logIndex), logId: { keyId: Buffer.from(entry.logID, "hex").toString("base64") }, kindVersion: { kind: "dsse", version: "0.0.1" },
    integratedTime: String(entry.integratedTime), inclusionPromise: { signedEntryTimestamp }, canonicalizedBody: entry.body,
    inclusionProof: { logIndex: String(proof.logIndex), rootHash: Buffer.from(proof.rootHash, "hex").toString("base64"), treeSize: String(proof.treeSize), hashes: [], checkpoint: { envelope: proof.checkpoint } },
  };
}

function bytesOf(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}
