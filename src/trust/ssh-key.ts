import { createHash, createPublicKey, verify, type JsonWebKey, type KeyObject } from "node:crypto";
import { SshReader } from "./ssh-wire.ts";
import { TrustError } from "./trust-error.ts";

/** How long the two numbers of an ECDSA signature are, and what is hashed with. */
const CURVES: Readonly<Record<string, { readonly jwk: string; readonly sizeBytes: number; readonly hash: string }>> = {
  nistp256: { jwk: "P-256", sizeBytes: 32, hash: "sha256" },
  nistp384: { jwk: "P-384", sizeBytes: 48, hash: "sha384" },
  nistp521: { jwk: "P-521", sizeBytes: 66, hash: "sha512" },
};

/** What a signature of RSA may be hashed with: the old `ssh-rsa`, with SHA-1, is not among them. */
const RSA_HASHES: Readonly<Record<string, string>> = { "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512" };

/** The first key of a file as `authorized_keys` or `*.pub`, as ssh sends it. Throws TrustError. */
export function parseSshPublicKey(text: string): Buffer {
  for (const line of text.split(/\r?\n/)) {
    const found = /(?:^|\s)((?:sk-)?(?:ssh|ecdsa)-[\w@.-]+) ([A-Za-z0-9+/]+={0,2})(?:\s|$)/.exec(line);
    const [, type = "", base64 = ""] = found ?? [];
    if (line.trimStart().startsWith("#") || type === "") continue;
    const key = Buffer.from(base64, "base64");
    if (new SshReader(key).text() === type) return key;
  }
  throw new TrustError("invalid", "failed to parse ssh public key");
}

/** Keys that never leave a device (OpenSSH's PROTOCOL.u2f), by the kind that they are of. */
const SECURITY_KEYS: Readonly<Record<string, string>> = { "sk-ssh-ed25519@openssh.com": "ssh-ed25519", "sk-ecdsa-sha2-nistp256@openssh.com": "ecdsa-sha2-nistp256" };

/** What the kind of a certificate has more than that of its key (OpenSSH's PROTOCOL.certkeys). */
const CERTIFICATE = "-cert-v01@openssh.com";

/**
 * The kind of key, with what follows it. A certificate holds a nonce and then the key; who has certified it, for whom and for how long
 * is not asked, as x/crypto does not: a certificate that is named as the key is believed as a key is.
 */
function kindOf(wire: SshReader): string {
  const type = wire.text();
  if (!type.endsWith(CERTIFICATE)) return type;
  wire.string();
  const key = type.slice(0, -CERTIFICATE.length);
  return key.startsWith("sk-") ? `${key}@openssh.com` : key;
}

/** Whether the key, as ssh sends it, has signed the bytes. Throws TrustError for what is no signature, and for kinds that are not known here. */
export function verifiesSsh(key: Buffer, signature: Buffer, bytes: Buffer): boolean {
  const reader = new SshReader(signature);
  const [format, blob] = [reader.text(), reader.string()];
  const wire = new SshReader(key);
  const type = kindOf(wire);
  if (type === "ssh-rsa") return verifiesRsa(wire, { format, blob }, bytes);
  const plain = SECURITY_KEYS[type];
  const check = checkOf(plain ?? type, wire);
  if (check === undefined) throw new TrustError("unsupported", `ssh keys of the kind ${type} are not supported: signatures with ed25519, rsa and ecdsa keys can be verified, and with those of security keys`);
  if (format !== type) return false;
  return check(blob, plain === undefined ? bytes : securityKeyMessage(wire.string(), reader, bytes));
}

/** What a security key signs. Throws TrustError where nobody has touched it, as x/crypto does. */
function securityKeyMessage(application: Buffer, signature: SshReader, bytes: Buffer): Buffer {
  const said = signature.take(FLAGS_AND_COUNTER_BYTES);
  if (!signature.isAtEnd) throw new TrustError("invalid", "the ssh signature goes on after its counter");
  if (((said[0] ?? 0) & USER_PRESENT) === 0) throw new TrustError("invalid", "ssh: signature missing required user presence flag");
  return Buffer.concat([sha256(application), said, sha256(bytes)]);
}

const FLAGS_AND_COUNTER_BYTES = 5;
const USER_PRESENT = 0x01;

function sha256(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}

type Check = (blob: Buffer, message: Buffer) => boolean;

/** Reads a key of that kind; undefined for a kind that is not known. */
function checkOf(kind: string, wire: SshReader): Check | undefined {
  if (kind === "ssh-ed25519") {
    const publicKey = keyOf({ kty: "OKP", crv: "Ed25519", x: wire.string().toString("base64url") });
    return (blob, message) => verify(null, message, publicKey, blob);
  }
  const curve = kind.startsWith("ecdsa-sha2-") ? CURVES[kind.slice("ecdsa-sha2-".length)] : undefined;
  if (curve === undefined) return undefined;
  const { jwk, sizeBytes, hash } = curve;
  if (wire.text() !== kind.slice("ecdsa-sha2-".length)) throw new TrustError("invalid", "the ssh key is of another curve than it says");
  const point = wire.string();
  if (point[0] !== 4 || point.length !== 1 + 2 * sizeBytes) throw new TrustError("invalid", "the ssh key is no point of its curve");
  const publicKey = keyOf({ kty: "EC", crv: jwk, x: point.subarray(1, 1 + sizeBytes).toString("base64url"), y: point.subarray(1 + sizeBytes).toString("base64url") });
  return (blob, message) => verify(hash, message, { key: publicKey, dsaEncoding: "ieee-p1363" }, numbersOf(blob, sizeBytes));
}

function verifiesRsa(wire: SshReader, { format, blob }: { readonly format: string; readonly blob: Buffer }, bytes: Buffer): boolean {
  const e = wire.integer().toString("base64url");
  const n = wire.integer().toString("base64url");
  const hash = RSA_HASHES[format];
  if (hash === undefined) throw new TrustError("invalid", `ssh signatures of the kind ${format} are not accepted`);
  return verify(hash, bytes, keyOf({ kty: "RSA", n, e }), blob);
}

function numbersOf(blob: Buffer, sizeBytes: number): Buffer {
  const reader = new SshReader(blob);
  return Buffer.concat([reader.integer(), reader.integer()].map((number) => {
    if (number.length > sizeBytes) throw new TrustError("invalid", "a number of the ssh signature is too large");
    return Buffer.concat([Buffer.alloc(sizeBytes - number.length), number]);
  }));
}

function keyOf(jwk: JsonWebKey): KeyObject {
  try {
    return createPublicKey({ key: jwk, format: "jwk" });
  } catch (error) {
    throw new TrustError("invalid", "the ssh key is no key of its kind", { cause: error });
  }
}
