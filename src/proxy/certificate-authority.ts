import type { SecureContext } from "node:tls";
import { isIP } from "node:net";
import { createHash, randomBytes, webcrypto } from "node:crypto";
import { nodeTls } from "../host/network-modules.ts";

/** Answers for any host, to those who trust it: the steps of one build, and nobody else. Its key is never written anywhere. */
export interface CertificateAuthority {
  /** PEM. */
  readonly certificate: string;
  /** sha256 of the certificate's DER. */
  readonly fingerprint: string;
  /** For a server that is taken for `host`: a name or an address. */
  contextFor(host: string): Promise<SecureContext>;
}

/** A clock behind ours must still find it valid. */
const BACKDATED_MS = 60 * 60 * 1000;
/** No build takes longer. */
const LIFETIME_MS = 7 * 24 * 60 * 60 * 1000;
const COMMON_NAME = "Stemma build proxy";
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };

/** Object identifiers of RFC 5280. */
const OID = { commonName: "2.5.4.3", basicConstraints: "2.5.29.19", keyUsage: "2.5.29.15", subjectAltName: "2.5.29.17", extendedKeyUsage: "2.5.29.37", serverAuth: "1.3.6.1.5.5.7.3.1" } as const;
/** Bits of KeyUsage (RFC 5280 §4.2.1.3): digitalSignature alone, and with keyCertSign. */
const USAGE = { server: 0x80, authority: 0x84 } as const;

type Pki = typeof import("pkijs");
type Asn1 = typeof import("asn1js");

/** Made anew for each build (RFC 5280). The library is loaded by who needs it only. */
export async function makeCertificateAuthority(nowMs: number): Promise<CertificateAuthority> {
  const [pki, asn1] = await Promise.all([import("pkijs"), import("asn1js")]);
  const [own, servers] = await Promise.all([generateKeys(), generateKeys()]);
  const maker = { pki, asn1, nowMs, issuerKey: own.privateKey };
  const authority = await certificate(maker, {
    subject: COMMON_NAME, key: own.publicKey,
    extensions: [extension(pki, OID.basicConstraints, new pki.BasicConstraints({ cA: true, pathLenConstraint: 0 }).toSchema(), "critical"), extension(pki, OID.keyUsage, usage(asn1, USAGE.authority), "critical")],
  });
  // One key for all hosts: what tells them apart is the certificate.
  const key = pem("PRIVATE KEY", new Uint8Array(await webcrypto.subtle.exportKey("pkcs8", servers.privateKey)));
  const contexts = new Map<string, Promise<SecureContext>>();
  const make = async (host: string): Promise<SecureContext> => {
    const leaf = await certificate(maker, {
      subject: host.slice(0, COMMON_NAME_CHARS_MAX), key: servers.publicKey,
      extensions: [
        extension(pki, OID.keyUsage, usage(asn1, USAGE.server), "critical"),
        extension(pki, OID.extendedKeyUsage, new pki.ExtKeyUsage({ keyPurposes: [OID.serverAuth] }).toSchema()),
        extension(pki, OID.subjectAltName, new pki.GeneralNames({ names: [alternativeName({ pki, asn1 }, host)] }).toSchema()),
      ],
    });
    return nodeTls().createSecureContext({ key, cert: pem("CERTIFICATE", leaf) + pem("CERTIFICATE", authority) });
  };
  return {
    certificate: pem("CERTIFICATE", authority),
    fingerprint: createHash("sha256").update(authority).digest("hex"),
    async contextFor(host) {
      const context = contexts.get(host) ?? make(host);
      contexts.set(host, context);
      return await context;
    },
  };
}

/** The upper bound of X.520's commonName. */
const COMMON_NAME_CHARS_MAX = 64;

interface Maker {
  readonly pki: Pki;
  readonly asn1: Asn1;
  readonly nowMs: number;
  readonly issuerKey: webcrypto.CryptoKey;
}

interface CertificateRequest {
  readonly subject: string;
  readonly key: webcrypto.CryptoKey;
  readonly extensions: ReadonlyArray<InstanceType<Pki["Extension"]>>;
}

/** DER of a certificate that the authority has signed. */
async function certificate({ pki, asn1, nowMs, issuerKey }: Maker, { subject, key, extensions }: CertificateRequest): Promise<Uint8Array> {
  const made = new pki.Certificate({ version: 2 });
  // Positive, whatever its first byte (RFC 5280 §4.1.2.2).
  made.serialNumber = new asn1.Integer({ valueHex: Uint8Array.from([1, ...randomBytes(15)]) });
  made.issuer.typesAndValues.push(commonName({ pki, asn1 }, COMMON_NAME));
  made.subject.typesAndValues.push(commonName({ pki, asn1 }, subject));
  made.notBefore.value = new Date(nowMs - BACKDATED_MS);
  made.notAfter.value = new Date(nowMs + LIFETIME_MS);
  made.extensions = [...extensions];
  await made.subjectPublicKeyInfo.importKey(key);
  await made.sign(issuerKey, "SHA-256");
  return new Uint8Array(made.toSchema(true).toBER());
}

function commonName({ pki, asn1 }: Pick<Maker, "pki" | "asn1">, value: string): InstanceType<Pki["AttributeTypeAndValue"]> {
  return new pki.AttributeTypeAndValue({ type: OID.commonName, value: new asn1.Utf8String({ value }) });
}

function extension(pki: Pki, extnID: string, value: { toBER(): ArrayBuffer }, critical?: "critical"): InstanceType<Pki["Extension"]> {
  return new pki.Extension({ extnID, critical: critical !== undefined, extnValue: value.toBER() });
}

function usage(asn1: Asn1, bits: number): InstanceType<Asn1["BitString"]> {
  return new asn1.BitString({ valueHex: Uint8Array.of(bits), unusedBits: Math.log2(bits & -bits) });
}

/** Types of GeneralName (RFC 5280 §4.2.1.6): 2 is a name, 7 an address. */
function alternativeName({ pki, asn1 }: Pick<Maker, "pki" | "asn1">, host: string): InstanceType<Pki["GeneralName"]> {
  if (isIP(host) === 0) return new pki.GeneralName({ type: 2, value: host });
  return new pki.GeneralName({ type: 7, value: new asn1.OctetString({ valueHex: addressBytes(host) }) });
}

function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split("."), Number);
  // As a URL has it, the last four bytes are written like the others.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const [before, after] = [groups(head), groups(tail ?? "")];
  const all = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function groups(text: string): readonly number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  // With these arguments it is a pair.
  return (await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
}

function pem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der).toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
