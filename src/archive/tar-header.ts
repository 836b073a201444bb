import { ArchiveError } from "./archive-error.ts";
import { pathOfBytes } from "./path-bytes.ts";

export const BLOCK_BYTES: number = 512;

type FieldName =
  | "name" | "mode" | "uid" | "gid" | "size" | "mtime" | "checksum" | "typeflag"
  | "linkname" | "magic" | "devmajor" | "devminor" | "prefix";

/** Place of each field in a header block (POSIX ustar; GNU tar differs from byte 345 on). */
export const FIELD: Readonly<Record<FieldName, readonly [offset: number, lengthBytes: number]>> = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  typeflag: [156, 1],
  linkname: [157, 100],
  magic: [257, 8],
  devmajor: [329, 8],
  devminor: [337, 8],
  prefix: [345, 155],
};

export type NumericField = "mode" | "uid" | "gid" | "size" | "mtime" | "devmajor" | "devminor";

/** A header block as written, before extended headers have their say. */
export interface TarHeader {
  readonly typeflag: string;
  readonly name: string;
  readonly linkname: string;
  number(field: NumericField): number;
}

const POSIX_MAGIC = "ustar\0";
/** Schily's star keeps its own times behind a shorter prefix, and says so at the end of the block. */
const STAR_TRAILER = [508, "tar\0"] as const;
const STAR_PREFIX_BYTES = 131;

/** Undefined for the block of zeros that ends an archive. */
export function parseTarHeader(block: Buffer): TarHeader | undefined {
  if (isZero(block)) return undefined;
  verifyChecksum(block);
  const typeflag = block.toString("latin1", FIELD.typeflag[0], FIELD.typeflag[0] + 1);
  const name = textField(block, FIELD.name);
  const prefix = prefixOf(block);
  return {
    typeflag,
    name: prefix === "" ? name : `${prefix}/${name}`,
    linkname: textField(block, FIELD.linkname),
    number: (field) => parseNumber(block, field),
  };
}

/** Zeros between content and the next header. */
export function paddingBytes(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

export function checksumOf(block: Uint8Array): number {
  const [start, length] = FIELD.checksum;
  let sum = 0;
  for (let at = 0; at < BLOCK_BYTES; at += 1) sum += at >= start && at < start + length ? 0x20 : (block[at] ?? 0);
  return sum;
}

function prefixOf(block: Buffer): string {
  if (block.toString("latin1", FIELD.magic[0], FIELD.magic[0] + 6) !== POSIX_MAGIC) return "";
  const [trailerAt, trailer] = STAR_TRAILER;
  const isStar = block.toString("latin1", trailerAt, trailerAt + 4) === trailer;
  return textField(block, [FIELD.prefix[0], isStar ? STAR_PREFIX_BYTES : FIELD.prefix[1]]);
}

function isZero(block: Buffer): boolean {
  // The first byte of a name is never zero but in a corrupt block, which the loop then finds out.
  if (block[0] !== 0) return false;
  for (const byte of block) if (byte !== 0) return false;
  return true;
}

function verifyChecksum(block: Buffer): void {
  const stored = parseOctal(block, FIELD.checksum);
  const unsigned = checksumOf(block);
  if (stored === unsigned) return;
  // Old tars summed signed characters.
  const [start, length] = FIELD.checksum;
  let signed = 0x20 * length;
  for (let at = 0; at < BLOCK_BYTES; at += 1) if (at < start || at >= start + length) signed += block.readInt8(at);
  if (stored !== signed) throw new ArchiveError("corrupt", "not a tar archive, or a damaged one: checksum of a header does not match");
}

function textField(block: Buffer, [offset, length]: readonly [number, number]): string {
  const zero = block.indexOf(0, offset);
  const end = zero < 0 || zero > offset + length ? offset + length : zero;
  return pathOfBytes(block.subarray(offset, end));
}

function parseNumber(block: Buffer, name: NumericField): number {
  const field = FIELD[name];
  const value = ((block[field[0]] ?? 0) & 0x80) === 0 ? parseOctal(block, field) : parseBase256(block, field);
  if (!Number.isSafeInteger(value)) throw new ArchiveError("corrupt", `${name} of a header is out of range`);
  return value;
}

function parseOctal(block: Buffer, [offset, length]: readonly [number, number]): number {
  let value = 0;
  let at = offset;
  const end = offset + length;
  while (at < end && (block[at] === 0x20 || block[at] === 0)) at += 1;
  for (; at < end; at += 1) {
    const byte = block[at] ?? 0;
    if (byte === 0 || byte === 0x20) break;
    if (byte < 0x30 || byte > 0x37) throw new ArchiveError("corrupt", "malformed number in a header");
    value = value * 8 + byte - 0x30;
  }
  return value;
}

/** GNU's binary numbers: the top bit marks them, the next one is the sign in two's complement. */
function parseBase256(block: Buffer, [offset, length]: readonly [number, number]): number {
  const negative = ((block[offset] ?? 0) & 0x40) !== 0;
  let value = negative ? -1n : 0n;
  for (let at = offset; at < offset + length; at += 1) {
    const byte = block[at] ?? 0;
    value = (value << 8n) | BigInt(at === offset ? (negative ? byte | 0x80 : byte & 0x7f) : byte);
  }
  return Number(value);
}
