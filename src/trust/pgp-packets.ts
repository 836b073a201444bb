import { createHash } from "node:crypto";
import { TrustError } from "./trust-error.ts";

/** A packet of OpenPGP (RFC 9580 §4.2). */
export interface PgpPacket {
  readonly tag: number;
  readonly body: Buffer;
}

const SIGNATURE = 2;
const PUBLIC_KEY = 6;

/** The packets of a file. Throws TrustError for what is none. */
export function pgpPackets(bytes: Buffer): readonly PgpPacket[] {
  const packets: PgpPacket[] = [];
  for (let at = 0; at < bytes.length;) {
    const { tag, start, sizeBytes } = headerAt(bytes, at);
    if (start + sizeBytes > bytes.length) throw new TrustError("invalid", "an OpenPGP packet ends too early");
    packets.push({ tag, body: bytes.subarray(start, start + sizeBytes) });
    at = start + sizeBytes;
  }
  return packets;
}

function headerAt(bytes: Buffer, at: number): { readonly tag: number; readonly start: number; readonly sizeBytes: number } {
  const first = byteAt(bytes, at);
  if ((first & 0x80) === 0) throw new TrustError("invalid", "this is no OpenPGP data");
  if ((first & 0x40) === 0) {
    // The old form: two bits say how long the length is.
    const width = [1, 2, 4][first & 0x03];
    if (width === undefined) throw new TrustError("invalid", "an OpenPGP packet has no length");
    if (at + 1 + width > bytes.length) throw new TrustError("invalid", "an OpenPGP packet ends too early");
    return { tag: (first >> 2) & 0x0f, start: at + 1 + width, sizeBytes: bytes.readUIntBE(at + 1, width) };
  }
  const { sizeBytes, widthBytes } = lengthAt(bytes, at + 1);
  return { tag: first & 0x3f, start: at + 1 + widthBytes, sizeBytes };
}

/** RFC 9580 §4.2.1 and §5.2.3.7, which agree but for lengths in parts, which no signature and no key may have. */
function lengthAt(bytes: Buffer, at: number): { readonly sizeBytes: number; readonly widthBytes: number } {
  const first = byteAt(bytes, at);
  if (first < 192) return { sizeBytes: first, widthBytes: 1 };
  if (first < 224) return { sizeBytes: ((first - 192) << 8) + byteAt(bytes, at + 1) + 192, widthBytes: 2 };
  if (first < 255 || at + 5 > bytes.length) throw new TrustError("invalid", "an OpenPGP packet has no whole length");
  return { sizeBytes: bytes.readUInt32BE(at + 1), widthBytes: 5 };
}

function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new TrustError("invalid", "an OpenPGP packet ends too early");
  return byte;
}

/** What a signature says of itself. Nothing of it is verified. */
export interface PgpSignatureClaims {
  readonly version: number;
  /** In hexadecimal; undefined where it names nobody. */
  readonly keyId: string | undefined;
}

/** Of the first signature among them; undefined where there is none. Throws TrustError for one that is cut off. */
export function pgpSignatureClaims(packets: readonly PgpPacket[]): PgpSignatureClaims | undefined {
  const body = packets.find(({ tag }) => tag === SIGNATURE)?.body;
  if (body === undefined) return undefined;
  const version = byteAt(body, 0);
  if (version < 4) return { version, keyId: body.length >= 15 ? body.subarray(7, 15).toString("hex") : undefined };
  const wide = version >= 6;
  const hashed = areaAt(body, 4, wide);
  const unhashed = areaAt(body, hashed.end, wide);
  return { version, keyId: issuerOf([...hashed.parts, ...unhashed.parts]) };
}

function areaAt(body: Buffer, at: number, wide: boolean): { readonly parts: readonly PgpPacket[]; readonly end: number } {
  const width = wide ? 4 : 2;
  if (at + width > body.length) throw new TrustError("invalid", "an OpenPGP signature ends too early");
  const end = at + width + body.readUIntBE(at, width);
  if (end > body.length) throw new TrustError("invalid", "an OpenPGP signature ends too early");
  const parts: PgpPacket[] = [];
  for (let next = at + width; next < end;) {
    const { sizeBytes, widthBytes } = lengthAt(body, next);
    const start = next + widthBytes;
    parts.push({ tag: byteAt(body, start) & 0x7f, body: body.subarray(start + 1, start + sizeBytes) });
    next = start + sizeBytes;
  }
  return { parts, end };
}

/** Subpacket 16 is a key's id; 33 its fingerprint, whose end the id is in version 4, and later its beginning. */
function issuerOf(parts: readonly PgpPacket[]): string | undefined {
  const id = parts.find(({ tag, body }) => tag === 16 && body.length === 8)?.body;
  if (id !== undefined) return id.toString("hex");
  const print = parts.find(({ tag, body }) => tag === 33 && body.length > 8)?.body;
  if (print === undefined) return undefined;
  return (print[0] === 4 ? print.subarray(-8) : print.subarray(1, 9)).toString("hex");
}

/** How many bits the RSA key of that fingerprint has; undefined for one of another kind, or that is not there. */
export function rsaKeyBits(packets: readonly PgpPacket[], fingerprint: string): number | undefined {
  for (const { tag, body } of packets) {
    if (tag !== PUBLIC_KEY || body[0] !== 4 || body.length < 8) continue;
    const size = Buffer.alloc(2);
    size.writeUInt16BE(body.length);
    const print = createHash("sha1").update(Buffer.from([0x99])).update(size).update(body).digest("hex");
    if (print === fingerprint.toLowerCase() && [1, 2, 3].includes(byteAt(body, 5))) return body.readUInt16BE(6);
  }
  return undefined;
}
