import { createHash } from "node:crypto";
import { unarmored } from "./armor.ts";
import { parseSshPublicKey, verifiesSsh } from "./ssh-key.ts";
import { SshReader, sshString } from "./ssh-wire.ts";
import { TrustError } from "./trust-error.ts";

/** What `ssh-keygen -Y sign` makes (OpenSSH's PROTOCOL.sshsig). */
export interface SshSignature {
  readonly version: number;
  /** As ssh sends it. Who signs says so himself: it is nothing to believe before it was compared. */
  readonly publicKey: Buffer;
  readonly namespace: string;
  readonly hashAlgorithm: string;
  readonly signature: Buffer;
}

const MAGIC = "SSHSIG";
const HASHES: readonly string[] = ["sha256", "sha512"];

export function isSshSignature(text: string): boolean {
  return text.startsWith("-----BEGIN SSH SIGNATURE-----");
}

/** Throws TrustError. */
export function parseSshSignature(text: string): SshSignature {
  const reader = new SshReader(unarmored(text, "SSH SIGNATURE"));
  if (reader.take(MAGIC.length).toString("latin1") !== MAGIC) throw new TrustError("invalid", "failed to parse ssh signature: it does not begin as one");
  const version = reader.number();
  const publicKey = reader.string();
  const namespace = reader.text();
  reader.string();
  return { version, publicKey, namespace, hashAlgorithm: reader.text(), signature: reader.string() };
}

/** `SHA256:…`, as ssh shows keys. */
export function sshFingerprint(publicKey: Buffer): string {
  return `SHA256:${createHash("sha256").update(publicKey).digest("base64").replace(/=+$/, "")}`;
}

/** Throws TrustError unless the key of that file has signed the bytes, for that use of it. */
export function verifySshSignature(text: string, bytes: Uint8Array, { publicKey, namespace }: { readonly publicKey: string; readonly namespace: string }): void {
  const signed = parseSshSignature(text);
  if (signed.version !== 1) throw new TrustError("invalid", `unsupported SSH signature version: ${signed.version}`);
  if (!HASHES.includes(signed.hashAlgorithm)) throw new TrustError("invalid", `unsupported SSH signature hash algorithm: ${signed.hashAlgorithm}`);
  if (signed.namespace !== namespace) throw new TrustError("invalid", `unexpected SSH signature namespace: ${JSON.stringify(signed.namespace)}`);
  const key = parseSshPublicKey(publicKey);
  if (!key.equals(signed.publicKey)) throw new TrustError("invalid", `failed to verify ssh signature: it is by ${sshFingerprint(signed.publicKey)}, not by ${sshFingerprint(key)}`);
  const hash = createHash(signed.hashAlgorithm).update(bytes).digest();
  const message = Buffer.concat([Buffer.from(MAGIC), sshString(namespace), sshString(""), sshString(signed.hashAlgorithm), sshString(hash)]);
  if (!verifiesSsh(key, signed.signature, message)) throw new TrustError("invalid", "failed to verify ssh signature: it is not of these bytes");
}
