import { createPublicKey, X509Certificate, type KeyObject } from "node:crypto";
import { member } from "../content/parsed-value.ts";
import { TrustError } from "./trust-error.ts";

/** An entry of a log of signatures, as far as it tells by whom the log has the signature. */
export interface LoggedSignature {
  readonly kindVersion: { readonly kind: string; readonly version: string };
  readonly canonicalizedBody: Buffer;
}

/**
 * Throws TrustError where a log has the signature by somebody else. The library compares signature and digest of an entry, and not
 * that; sigstore-go does. Entries of Rekor's second version have it in other forms, of which the signature is proof enough.
 */
export function checkLoggedSigner(entries: readonly LoggedSignature[], signer: X509Certificate | KeyObject): void {
  for (const { kindVersion, canonicalizedBody } of entries) {
    if (kindVersion.version !== "0.0.1") continue;
    const spec = member(JSON.parse(canonicalizedBody.toString("utf8")), "spec");
    const base64 = kindVersion.kind === "dsse" ? member(first(member(spec, "signatures")), "verifier") : member(member(member(spec, "signature"), "publicKey"), "content");
    const pem = typeof base64 === "string" ? Buffer.from(base64, "base64").toString("latin1").trimStart() : "";
    if (!isSame(pem, signer)) throw new TrustError("invalid", `transparency log ${signer instanceof X509Certificate ? "certificate" : "key"} does not match`);
  }
}

/** Node reads a key out of a certificate too: what is not of the same kind is not the same. */
function isSame(pem: string, signer: X509Certificate | KeyObject): boolean {
  const isCertificate = signer instanceof X509Certificate;
  if (!pem.startsWith(`-----BEGIN ${isCertificate ? "CERTIFICATE" : "PUBLIC KEY"}-----`)) return false;
  try {
    return isCertificate ? new X509Certificate(pem).raw.equals(signer.raw) : createPublicKey(pem).equals(signer);
  } catch (error) {
    throw new TrustError("invalid", "transparency log has nobody who signed", { cause: error });
  }
}

function first(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : undefined;
}
