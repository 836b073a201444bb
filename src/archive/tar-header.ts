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
  /** The block itself, where it is of GNU's and of a sparse file: it says what of the file there is. */
  readonly gnuBlock?: Buffer;
  number(field: NumericField): number;
}

const V7_NUMBERS: readonly NumericField[] = ["size", "mode", "uid", "gid", "mtime"];
const USTAR_NUMBERS: readonly NumericField[] = [...V7_NUMBERS, "devmajor", "devminor"];

const POSIX_MAGIC = "ustar\0";
const GNU_MAGIC = "ustar  \0";
/** Schily's star keeps its own times behind a shorter prefix, and says so at the end of the block. */
const STAR_TRAILER = [508, "tar\0"] as const;
const STAR_PREFIX_BYTES = 131;
const STAR_TIMES = [[476, 12], [488, 12]] as const;
const GNU_TIMES = [[345, 12], [357, 12]] as const;

type HeaderForm = "v7" | "ustar" | "star" | "gnu";

/** What Go keeps numbers in. */
const NUMBER_END = 2n ** 63n;

/** Every number must be one, also where the member has no use for it: so Go judges headers. */
export function parseTarHeader(block: Buffer): TarHeader {
  verifyChecksum(block);
  const typeflag = block.toString("latin1", FIELD.typeflag[0], FIELD.typeflag[0] + 1);
  const name = textField(block, FIELD.name);
  const form = formOf(block);
  const numbers = new Map<NumericField, number>();
  for (const field of form === "v7" ? V7_NUMBERS : USTAR_NUMBERS) numbers.set(field, parseNumber(block, FIELD[field]));
  const prefix = prefixOf(block, form);
  return {
    typeflag,
    name: prefix === "" ? name : `${prefix}/${name}`,
    linkname: textField(block, FIELD.linkname),
    // A copy: the chunk that it came in is lent.
    ...(form === "gnu" && typeflag === "S" ? { gnuBlock: Buffer.from(block) } : {}),
    number: (field) => numbers.get(field) ?? 0,
  };
}

/** Two of them end an archive. */
export function isZeroBlock(block: Buffer): boolean {
  // The first byte of a name is never zero but in a corrupt block, which the loop then finds out.
  if (block[0] !== 0) return false;
  for (const byte of block) if (byte !== 0) return false;
  return true;
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

function formOf(block: Buffer): HeaderForm {
  const [at, length] = FIELD.magic;
  const magic = block.toString("latin1", at, at + length);
  if (magic === GNU_MAGIC) return "gnu";
  if (!magic.startsWith(POSIX_MAGIC)) return "v7";
  const [trailerAt, trailer] = STAR_TRAILER;
  return block.toString("latin1", trailerAt, trailerAt + trailer.length) === trailer ? "star" : "ustar";
}

function prefixOf(block: Buffer, form: HeaderForm): string {
  switch (form) {
    case "v7":
      return "";
    case "ustar":
      return textField(block, FIELD.prefix);
    case "star":
      for (const time of STAR_TIMES) parseNumber(block, time);
      return textField(block, [FIELD.prefix[0], STAR_PREFIX_BYTES]);
    case "gnu":
      return hasTimesOfGnu(block) ? "" : asciiOrNothing(textField(block, FIELD.prefix));
  }
}

/** Where they are none, it is a prefix after all: Go once wrote such headers, and reads them since. */
function hasTimesOfGnu(block: Buffer): boolean {
  try {
    for (const time of GNU_TIMES) if (block[time[0]] !== 0) parseNumber(block, time);
    return true;
  } catch (error) {
    if (error instanceof ArchiveError) return false;
    throw error;
  }
}

function asciiOrNothing(text: string): string {
  return Buffer.from(text).every((byte) => byte < 0x80) ? text : "";
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

/** Octal, or GNU's binary numbers. */
export function parseNumber(block: Buffer, field: readonly [number, number]): number {
  return ((block[field[0]] ?? 0) & 0x80) === 0 ? parseOctal(block, field) : parseBase256(block, field);
}

/** Octal digits up to a zero byte, with zero bytes and spaces around them; nothing at all is nought. */
function parseOctal(block: Buffer, [offset, length]: readonly [number, number]): number {
  let at = offset;
  let end = offset + length;
  while (at < end && isFiller(block[at])) at += 1;
  while (end > at && isFiller(block[end - 1])) end -= 1;
  let value = 0;
  for (; at < end && block[at] !== 0; at += 1) {
    const digit = (block[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) throw new ArchiveError("corrupt", "malformed number in a header");
    value = value * 8 + digit;
  }
  return value;
}

function isFiller(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0;
}

/** GNU's binary numbers: the top bit marks them, the next one is the sign in two's complement. */
function parseBase256(block: Buffer, [offset, length]: readonly [number, number]): number {
  const negative = ((block[offset] ?? 0) & 0x40) !== 0;
  let value = negative ? -1n : 0n;
  for (let at = offset; at < offset + length; at += 1) {
    const byte = block[at] ?? 0;
    value = (value << 8n) | BigInt(at === offset ? (negative ? byte | 0x80 : byte & 0x7f) : byte);
  }
  if (value >= NUMBER_END || value < -NUMBER_END) throw new ArchiveError("corrupt", "a number of a header is out of range");
  return Number(value);
}
