import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../host/environment.ts";
import { findExecutable, searchPath } from "../host/executable.ts";
import { runProcess } from "../host/process.ts";
import { allUnarmored, unarmored } from "./armor.ts";
import { pgpPackets, pgpSignatureClaims, rsaKeyBits, type PgpSignatureClaims } from "./pgp-packets.ts";
import { TrustError } from "./trust-error.ts";

const SIGNATURE_BLOCK = "PGP SIGNATURE";
const KEY_BLOCK = "PGP PUBLIC KEY BLOCK";

/** RFC 9580 §9.1 and §9.5: RSA, ECDSA, EdDSA; SHA-256, -384 and -512. BuildKit takes no others. */
const ALGORITHMS: readonly string[] = ["1", "3", "19", "22"];
const HASHES: readonly string[] = ["8", "9", "10"];
const RSA_BITS_MIN = 2048;

export function isPgpSignature(text: string): boolean {
  return text.startsWith(`-----BEGIN ${SIGNATURE_BLOCK}-----`);
}

/** What an armored signature says of itself. Throws TrustError. */
export function parsePgpSignature(text: string): PgpSignatureClaims {
  const claims = pgpSignatureClaims(pgpPackets(unarmored(text, SIGNATURE_BLOCK)));
  if (claims === undefined) throw new TrustError("invalid", "no signature packet found");
  return claims;
}

export interface PgpQuestion {
  /** Both armored; more than one block of keys may be there. */
  readonly signature: string;
  readonly keys: string;
  /** What is signed: a file, or bytes. */
  readonly signed: { readonly path: string } | { readonly bytes: Uint8Array };
}

export interface PgpMeans {
  readonly env: Environment;
  /** Empty, and afterwards not. */
  readonly directory: string;
  readonly nowSeconds: number;
}

/** How much a clock may be ahead of ours. */
const AHEAD_SECONDS_MAX = 300;

/**
 * Throws TrustError unless a key of those has signed it. GnuPG's gpgv finds that out.
 * A key that has expired since counts, as in BuildKit; one that was revoked does not.
 */
export async function verifyPgpSignature({ signature, keys, signed }: PgpQuestion, { env, directory, nowSeconds }: PgpMeans, signal: AbortSignal): Promise<void> {
  parsePgpSignature(signature);
  const blocks = allUnarmored(keys, KEY_BLOCK);
  if (blocks.length === 0) throw new TrustError("invalid", "failed to read armored public key: no armored data found");
  const gpgv = findExecutable("gpgv", env);
  if (gpgv === undefined) throw new TrustError("tool-missing", "gpgv was not found in the system: install GnuPG to have OpenPGP signatures verified");
  const ring = Buffer.concat(blocks);
  const [ringPath, signaturePath] = [join(directory, "keys.gpg"), join(directory, "signature.gpg")];
  await writeFile(ringPath, ring);
  await writeFile(signaturePath, unarmored(signature, SIGNATURE_BLOCK));
  const argv = [gpgv, "--homedir", directory, "--keyring", ringPath, "--status-fd", "1", signaturePath, "path" in signed ? signed.path : "-"] as const;
  const { stdout } = await runProcess({ argv: [...argv], env: { PATH: searchPath(env), HOME: directory, LC_ALL: "C" }, ...("bytes" in signed ? { input: signed.bytes } : {}) }, signal);
  checkStatus(stdout.toString("latin1"), ring, nowSeconds);
}

/** GnuPG's doc/DETAILS has the lines. */
function checkStatus(text: string, ring: Buffer, nowSeconds: number): void {
  const lines = text.split("\n").filter((line) => line.startsWith("[GNUPG:] ")).map((line) => line.split(" ").slice(1));
  const words = new Set(lines.map(([word]) => word));
  const bad = ["BADSIG", "ERRSIG", "REVKEYSIG", "EXPSIG"].find((word) => words.has(word));
  const valid = lines.filter(([word]) => word === "VALIDSIG");
  const [found] = valid;
  if (bad !== undefined || found === undefined || valid.length !== 1) throw new TrustError("invalid", `failed to verify OpenPGP signature: ${REASONS[bad ?? ""] ?? "no key of the file has made it"}`);
  // VALIDSIG FINGERPRINT DATE SECONDS EXPIRES VERSION RESERVED ALGORITHM HASH CLASS PRIMARY
  const [, , , seconds = "", , , , algorithm = "", hash = "", , primary = ""] = found;
  const expired = lines.filter(([word]) => word === "KEYEXPIRED").map(([, at = ""]) => Number(at));
  if (words.has("EXPKEYSIG") && (expired.length === 0 || expired.some((at) => !(Number(seconds) <= at)))) throw new TrustError("invalid", "failed to verify OpenPGP signature: its key had expired when it was made");
  if (!(Number(seconds) <= nowSeconds + AHEAD_SECONDS_MAX)) throw new TrustError("invalid", "failed to verify OpenPGP signature: it was made in the future");
  if (!HASHES.includes(hash)) throw new TrustError("invalid", `rejecting weak/unknown hash: ${hash}`);
  if (!ALGORITHMS.includes(algorithm)) throw new TrustError("invalid", `rejecting unsupported pubkey algorithm: ${algorithm}`);
  const bits = rsaKeyBits(pgpPackets(ring), primary);
  if (bits !== undefined && bits < RSA_BITS_MIN) throw new TrustError("invalid", `RSA key too short: ${bits} bits`);
}

const REASONS: Readonly<Record<string, string>> = {
  BADSIG: "it is not of these bytes", ERRSIG: "no key of the file has made it", REVKEYSIG: "its key was revoked", EXPSIG: "it has expired",
};
