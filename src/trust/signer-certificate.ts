import { X509Certificate as Parsed } from "@sigstore/core";
import { X509Certificate } from "node:crypto";

/** A certificate of Fulcio, by the names that buildx has for its parts. */
export interface SignerCertificate {
  readonly certificateIssuer: string;
  readonly subjectAlternativeName: string;
  readonly issuer: string;
  /** The others that it has. */
  readonly extensions: Readonly<Record<string, string>>;
}

/** Fulcio's docs/oid-info.md: below 1.3.6.1.4.1.57264.1. */
const EXTENSIONS: ReadonlyArray<readonly [number, string]> = [
  [9, "buildSignerURI"], [10, "buildSignerDigest"], [11, "runnerEnvironment"], [12, "sourceRepositoryURI"], [13, "sourceRepositoryDigest"], [14, "sourceRepositoryRef"],
  [15, "sourceRepositoryIdentifier"], [16, "sourceRepositoryOwnerURI"], [17, "sourceRepositoryOwnerIdentifier"], [18, "buildConfigURI"], [19, "buildConfigDigest"],
  [20, "buildTrigger"], [21, "runInvocationURI"], [22, "sourceRepositoryVisibilityAtSigning"],
];

/** What a certificate says; whether it may be believed is found out before. */
export function signerOf(der: Uint8Array): SignerCertificate {
  const certificate = Parsed.parse(Buffer.from(der));
  const value = (number: number): string | undefined => {
    const bytes = certificate.extension(`1.3.6.1.4.1.57264.1.${number}`)?.value;
    return bytes === undefined ? undefined : utf8String(bytes);
  };
  const old = certificate.extension("1.3.6.1.4.1.57264.1.1")?.value.toString("utf8");
  return {
    certificateIssuer: distinguishedName(new X509Certificate(der).issuer),
    subjectAlternativeName: certificate.subjectAltName ?? "",
    issuer: value(8) ?? old ?? "",
    extensions: Object.fromEntries(EXTENSIONS.flatMap(([number, name]) => {
      const text = value(number);
      return text === undefined || text === "" ? [] : [[name, text] as const];
    })),
  };
}

/** DER's UTF8String; undefined for anything else. */
function utf8String(der: Buffer): string | undefined {
  const [tag, first = 0] = der;
  if (tag !== 0x0c) return undefined;
  const widthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (widthBytes > 3 || der.length < 2 + widthBytes) return undefined;
  const sizeBytes = widthBytes === 0 ? first : der.readUIntBE(2, widthBytes);
  const start = 2 + widthBytes;
  return der.length === start + sizeBytes ? der.toString("utf8", start) : undefined;
}

/** Node writes `O=…` and `CN=…` as lines, from the most general on; RFC 2253 has them the other way around. */
function distinguishedName(lines: string): string {
  return lines.split("\n").toReversed().map((line) => {
    const at = line.indexOf("=");
    return `${line.slice(0, at)}=${line.slice(at + 1).replace(/[,+"\\<>;]/g, String.raw`\$&`)}`;
  }).join(",");
}
