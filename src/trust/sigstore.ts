import { createHash, X509Certificate, type KeyObject } from "node:crypto";
import { bundleFromJSON, ValidationError, type Bundle, type SerializedBundle } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { PolicyError, toSignedEntity, toTrustMaterial, VerificationError, Verifier, type TrustMaterial } from "@sigstore/verify";
import { checkLoggedSigner } from "./logged-signer.ts";
import { signerOf, type SignerCertificate } from "./signer-certificate.ts";
import { TrustError } from "./trust-error.ts";

/** What was signed. */
export interface SignedArtifact {
  readonly sha256: string;
  /** Needed for a signature of the bytes themselves; a statement names a digest. */
  readonly bytes: Uint8Array | undefined;
}

/** When something is known to have been signed, and who says so. */
export interface SignatureTime {
  readonly type: "Tlog" | "TimestampAuthority";
  readonly uri: string;
  readonly timestamp: string;
}

/** What a verified bundle says. */
export interface VerifiedBundle {
  readonly signer: SignerCertificate;
  readonly timestamps: readonly SignatureTime[];
  /** Undefined where the bytes themselves were signed. */
  readonly predicateType: string | undefined;
}

const STATEMENT_TYPE = "application/vnd.in-toto+json";

/** Whom to believe: authorities of certificates and of times, and logs, as in Sigstore's `trusted_root.json`. */
export class Sigstore {
  readonly #root: TrustedRoot;
  readonly #material: TrustMaterial;

  /** Throws TrustError for a file that is none. */
  constructor(trustedRoot: Uint8Array) {
    try {
      this.#root = TrustedRoot.fromJSON(JSON.parse(Buffer.from(trustedRoot).toString("utf8")));
      this.#material = toTrustMaterial(this.#root);
    } catch (error) {
      throw new TrustError("no-trust-root", `it is no trusted root of Sigstore: ${messageOf(error)}`, { cause: error });
    }
    if (this.#root.certificateAuthorities.length === 0 || this.#root.tlogs.length === 0) throw new TrustError("no-trust-root", "it is no trusted root of Sigstore: it names no authorities or no logs");
  }

  /**
   * Throws TrustError unless the bundle is a signature of the artifact by a certificate of these authorities, which is in
   * a certificate log, in a log of signatures, and at a time at which the certificate was valid.
   */
  verify(bundleJson: Uint8Array, artifact: SignedArtifact): VerifiedBundle {
    const bundle = parseBundle(bundleJson);
    const { content } = bundle.verificationMaterial;
    if (content.$case === "publicKey") throw new TrustError("invalid", "verifying bundle: it names a key, and no certificate");
    const predicateType = verified(bundle, artifact, new Verifier(this.#material, { ctlogThreshold: 1, tlogThreshold: 1, timestampThreshold: 1 }));
    const [certificate] = content.$case === "certificate" ? [content.certificate] : content.x509CertificateChain.certificates;
    if (certificate === undefined) throw new TrustError("invalid", "verifying bundle: it has no certificate");
    checkLoggedSigner(bundle.verificationMaterial.tlogEntries, new X509Certificate(certificate.rawBytes));
    return { signer: signerOf(certificate.rawBytes), timestamps: this.#timesOf(bundle), predicateType };
  }

  /** The same by that key, and no certificate. It need not be in a log; where it says that it is, it has to be. */
  verifyByKey(bundleJson: Uint8Array, artifact: SignedArtifact, key: KeyObject): Omit<VerifiedBundle, "signer"> {
    const bundle = parseBundle(bundleJson);
    const { content, tlogEntries } = bundle.verificationMaterial;
    if (content.$case !== "publicKey") throw new TrustError("invalid", "verifying bundle: it names a certificate, and no key");
    const material = toTrustMaterial(this.#root, () => ({ publicKey: key, validFor: () => true }));
    const threshold = tlogEntries.length === 0 ? 0 : 1;
    const predicateType = verified(bundle, artifact, new Verifier(material, { ctlogThreshold: 0, tlogThreshold: threshold, timestampThreshold: threshold }));
    checkLoggedSigner(tlogEntries, key);
    return { timestamps: this.#timesOf(bundle), predicateType };
  }

  /** Only of a bundle that was verified. */
  #timesOf(bundle: Bundle): readonly SignatureTime[] {
    return toSignedEntity(bundle).timestamps.flatMap((each): SignatureTime[] => {
      if (each.$case === "timestamp-authority") return [{ type: "TimestampAuthority", uri: this.#root.timestampAuthorities[0]?.uri ?? "", timestamp: timeText(each.timestamp.signingTime) }];
      // Without a promise, nobody has signed the time of a log's entry.
      if (each.tlogEntry.inclusionPromise === undefined) return [];
      const { logId, integratedTime } = each.tlogEntry;
      const log = this.#root.tlogs.find((known) => known.logId !== undefined && Buffer.from(known.logId.keyId).equals(Buffer.from(logId.keyId)));
      return [{ type: "Tlog", uri: log?.baseUrl ?? "", timestamp: timeText(new Date(Number(integratedTime) * 1000)) }];
    });
  }
}

/** The type of the statement that was signed, if it was one. Throws TrustError unless the verifier takes the bundle, and it is about the artifact. */
function verified(bundle: Bundle, artifact: SignedArtifact, verifier: Verifier): string | undefined {
  try {
    verifier.verify(toSignedEntity(bundle, artifact.bytes === undefined ? undefined : Buffer.from(artifact.bytes)));
  } catch (error) {
    throw invalid(error);
  }
  return signedPredicate(bundle, artifact);
}

function parseBundle(json: Uint8Array): Bundle {
  try {
    return bundleFromJSON(JSON.parse(Buffer.from(json).toString("utf8")) as SerializedBundle);
  } catch (error) {
    throw new TrustError("invalid", `loading signature bundle: ${messageOf(error)}`, { cause: error });
  }
}

/** The artifact has to be what was signed: the library looks at the signature of a statement, and not at what that is about. */
function signedPredicate({ content }: Bundle, { sha256, bytes }: SignedArtifact): string | undefined {
  if (content.$case === "messageSignature") {
    if (bytes === undefined || createHash("sha256").update(bytes).digest("hex") !== sha256) throw new TrustError("invalid", "verifying bundle: it is no statement");
    return undefined;
  }
  const { payload, payloadType } = content.dsseEnvelope;
  if (payloadType !== STATEMENT_TYPE) throw new TrustError("invalid", `verifying bundle: it signs ${payloadType}`);
  const statement = parseStatement(payload);
  const isAbout = statement.subject?.some((each) => each?.digest?.sha256 === sha256) ?? false;
  if (!isAbout) throw new TrustError("invalid", `verifying bundle: its statement is not about sha256:${sha256}`);
  return typeof statement.predicateType === "string" ? statement.predicateType : "";
}

interface Statement {
  readonly subject?: ReadonlyArray<{ readonly digest?: { readonly sha256?: unknown } } | null>;
  readonly predicateType?: unknown;
}

function parseStatement(payload: Buffer): Statement {
  try {
    const statement: unknown = JSON.parse(payload.toString("utf8"));
    // Each member is looked at where it is used.
    if (typeof statement === "object" && statement !== null && (!("subject" in statement) || Array.isArray(statement.subject))) return statement as Statement;
  } catch (error) {
    throw new TrustError("invalid", "verifying bundle: its statement is no JSON", { cause: error });
  }
  throw new TrustError("invalid", "verifying bundle: it signs no statement");
}

function invalid(error: unknown): unknown {
  if (error instanceof VerificationError || error instanceof PolicyError || error instanceof ValidationError) return new TrustError("invalid", `verifying bundle: ${error.message}`, { cause: error });
  // The library's parser of certificates has errors of its own for what others have written.
  return error instanceof Error ? new TrustError("invalid", `verifying bundle: ${error.message}`, { cause: error }) : error;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function timeText(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}
