import { createHash } from "node:crypto";
import { builtin, stringOf, type BuiltinTable } from "./builtin-table.ts";
import { integerOf } from "./number.ts";
import { BuiltinError } from "./rego-error.ts";
import { fromJson, integer, keyOf, type Value } from "./value.ts";

/** What is drawn is another for each evaluation and name, and the same as often as one asks for it. */
export const RANDOM: BuiltinTable = {
  "rand.intn": builtin(2, ([name, count], { nowNs }) => randomBelow(stringOf(name), Math.abs(integerOf(count)), nowNs)),
  "uuid.rfc4122": builtin(1, ([name = null], { nowNs }) => randomUuid(keyOf(name), nowNs)),
  "uuid.parse": builtin(1, ([text]) => parseUuid(stringOf(text))),
};

function draw(name: string, nowNs: bigint): Buffer {
  return createHash("sha256").update(`${nowNs} ${name}`).digest();
}

function randomBelow(name: string, count: number, nowNs: bigint): number {
  return count === 0 ? 0 : Number(draw(`${name}-${count}`, nowNs).readBigUInt64BE() % BigInt(count));
}

function randomUuid(name: string, nowNs: bigint): string {
  const bytes = draw(name, nowNs).subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

const FORMS = /^(?:urn:uuid:)?([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$|^\{([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})\}$|^([0-9a-f]{32})$/i;

/** RFC 4122 counts from the Gregorian calendar's first day, in 100 ns. */
const GREGORIAN_TO_UNIX = 122_192_928_000_000_000n;

function parseUuid(text: string): Value {
  const groups = FORMS.exec(text)?.slice(1).filter((group) => (group as string | undefined) !== undefined);
  if (groups === undefined) throw new BuiltinError(`${text}: invalid UUID`);
  const bytes = Buffer.from(groups.join(""), "hex");
  const version = bytes.readUInt8(6) >> 4;
  const variant = variantOf(bytes.readUInt8(8));
  if (version !== 1 && version !== 2) return fromJson({ version, variant });
  const time = (BigInt(bytes.readUInt16BE(6) & 0x0fff) << 48n) | (BigInt(bytes.readUInt16BE(4)) << 32n) | BigInt(bytes.readUInt32BE(0));
  const node = bytes.subarray(10);
  const domain = bytes.readUInt8(9);
  return fromJson({
    version, variant, time: integer((time - GREGORIAN_TO_UNIX) * 100n), clocksequence: bytes.readUInt16BE(8) & 0x3fff,
    nodeid: [...node].map((byte) => byte.toString(16).padStart(2, "0")).join("-"),
    macvariables: `${(node.readUInt8(0) & 2) === 0 ? "global" : "local"}:${(node.readUInt8(0) & 1) === 0 ? "unicast" : "multicast"}`,
    ...(version === 2 ? { id: bytes.readUInt32BE(0), domain: ["Person", "Group", "Org"][domain] ?? `Domain${domain}` } : {}),
  });
}

function variantOf(byte: number): string {
  if ((byte & 0xc0) === 0x80) return "RFC4122";
  if ((byte & 0xe0) === 0xc0) return "Microsoft";
  return (byte & 0xe0) === 0xe0 ? "Future" : "Reserved";
}
