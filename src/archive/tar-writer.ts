import type { ByteStream, ChunkOwner } from "../content/blob-store.ts";
import { ArchiveError } from "./archive-error.ts";
import { baseName, joinPath, parentPath } from "./entry-path.ts";
import type { Entry, EntryKind } from "./entry.ts";
import type { Member } from "./member.ts";
import { bytesOfPath, compareNames } from "./path-bytes.ts";
import { formatPaxRecord, formatPaxTime } from "./pax.ts";
import { BLOCK_BYTES, checksumOf, FIELD, paddingBytes } from "./tar-header.ts";
import { OPAQUE_NAME, WHITEOUT_PREFIX } from "./tar-entry.ts";

/** The two blocks of zeros behind the last member. */
export const TAR_END: Uint8Array = Buffer.alloc(2 * BLOCK_BYTES);

/** Headers and small files are gathered up to this size: one chunk costs the same, large or small. */
const GATHER_BYTES = 256 * 1024;

/** What one extended header may hold, as in Go. */
const EXTENDED_HEADER_BYTES_MAX = 1024 * 1024;

const NS_PER_S = 1_000_000_000n;
const SLASH = 0x2f;

const TYPEFLAG: Readonly<Record<EntryKind, string>> = {
  file: "0",
  whiteout: "0",
  opaque: "0",
  hardlink: "1",
  symlink: "2",
  char: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

/**
 * An archive as Go's archive/tar writes it for image layers: ustar where all fits, else PAX with sorted records.
 * Times finer than a second and all extended attributes are written; leave out of the entry what shall not be.
 * `lent` where content is lent too.
 */
export async function* writeTar(members: AsyncIterable<Member>, chunks: ChunkOwner = "kept"): ByteStream {
  const gathered = new Gathered(chunks);
  for await (const { entry, content, isUnsaid } of members) {
    if (isUnsaid === true) continue;
    const header = tarHeader(entry);
    if (!gathered.hasRoomFor(header)) yield gathered.take();
    gathered.add(header);
    let seenBytes = 0;
    for await (const chunk of content) {
      seenBytes += chunk.byteLength;
      if (!gathered.hasRoomFor(chunk)) yield gathered.take();
      // A large chunk passes by itself, without being copied.
      if (chunk.byteLength < GATHER_BYTES) gathered.add(chunk);
      else {
        if (!gathered.isEmpty) yield gathered.take();
        yield chunk;
      }
    }
    if (seenBytes !== entry.sizeBytes) throw new ArchiveError("corrupt", `${entry.path}: ${seenBytes} bytes of content where ${entry.sizeBytes} were announced`);
    const padding = tarPadding(entry);
    if (!gathered.hasRoomFor(padding)) yield gathered.take();
    gathered.add(padding);
  }
  if (!gathered.hasRoomFor(TAR_END)) yield gathered.take();
  gathered.add(TAR_END);
  yield gathered.take();
}

/** Small pieces one behind the other. */
class Gathered {
  readonly #chunks: ChunkOwner;
  #room: Buffer | undefined;
  #filled = 0;

  constructor(chunks: ChunkOwner) {
    this.#chunks = chunks;
  }

  get isEmpty(): boolean {
    return this.#filled === 0;
  }

  /** Always true while there is nothing. */
  hasRoomFor({ byteLength }: Uint8Array): boolean {
    return this.isEmpty || this.#filled + byteLength <= (this.#room?.byteLength ?? 0);
  }

  add(piece: Uint8Array): void {
    if (this.#room === undefined || this.#room.byteLength < this.#filled + piece.byteLength) this.#room = Buffer.allocUnsafeSlow(Math.max(GATHER_BYTES, piece.byteLength));
    this.#room.set(piece, this.#filled);
    this.#filled += piece.byteLength;
  }

  take(): Uint8Array {
    const taken = this.#room?.subarray(0, this.#filled) ?? Buffer.alloc(0);
    if (this.#chunks === "kept") this.#room = undefined;
    this.#filled = 0;
    return taken;
  }
}

/** Bytes before the content of `entry`: its header with those that extend it. */
export function entryHeaderSize(entry: Entry): number {
  return tarHeader(entry).byteLength;
}

/** Zeros behind the content of `entry`. */
export function tarPadding(entry: Entry): Uint8Array {
  return Buffer.alloc(paddingBytes(entry.sizeBytes));
}

/** Everything that stands before the content of `entry`. */
export function tarHeader(entry: Entry): Buffer {
  const fields = fieldsOf(entry);
  const records = recordsOf(entry, fields);
  if (records === undefined) {
    const split = splitPath(fields.name);
    return headerBlock({ ...fields, name: split?.name ?? fields.name, prefix: split?.prefix ?? Buffer.alloc(0) });
  }
  const extended = Buffer.concat([...records].toSorted(([a], [b]) => compareNames(a, b)).map(([keyword, value]) => formatPaxRecord(keyword, value)));
  if (extended.length > EXTENDED_HEADER_BYTES_MAX) throw new ArchiveError("too-large", `${entry.path}: extended header of ${extended.length} bytes`);
  return Buffer.concat([
    headerBlock({ ...EMPTY_FIELDS, typeflag: "x", name: extendedName(tarName(entry)), size: extended.length }),
    extended,
    Buffer.alloc(paddingBytes(extended.length)),
    headerBlock({ ...fields, name: asciiOnly(fields.name), linkname: asciiOnly(fields.linkname) }),
  ]);
}

interface Fields {
  readonly typeflag: string;
  readonly name: Buffer;
  readonly prefix: Buffer;
  readonly linkname: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds. */
  readonly mtime: number;
  readonly devmajor: number;
  readonly devminor: number;
}

const EMPTY_FIELDS: Fields = {
  typeflag: "0", name: Buffer.alloc(0), prefix: Buffer.alloc(0), linkname: Buffer.alloc(0),
  mode: 0, uid: 0, gid: 0, size: 0, mtime: 0, devmajor: 0, devminor: 0,
};

function fieldsOf(entry: Entry): Fields {
  return {
    typeflag: TYPEFLAG[entry.kind],
    name: bytesOfPath(tarName(entry)),
    prefix: Buffer.alloc(0),
    linkname: bytesOfPath(entry.linkname ?? ""),
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    size: entry.sizeBytes,
    mtime: Number(floorSeconds(entry.mtimeNs)),
    devmajor: entry.device?.major ?? 0,
    devminor: entry.device?.minor ?? 0,
  };
}

/** An entry's name in the archive: with a slash behind a directory's, and the marks of what is taken away. */
export function tarName(entry: Entry): string {
  switch (entry.kind) {
    case "directory":
      return entry.path === "" ? "./" : `${entry.path}/`;
    case "whiteout":
      return joinPath(parentPath(entry.path), WHITEOUT_PREFIX + baseName(entry.path));
    case "opaque":
      return joinPath(entry.path, OPAQUE_NAME);
    case "file":
    case "hardlink":
    case "symlink":
    case "char":
    case "block":
    case "fifo":
      return entry.path;
  }
}

/** The records that a PAX header needs; undefined when plain ustar says it all. */
function recordsOf(entry: Entry, fields: Fields): ReadonlyMap<string, Uint8Array> | undefined {
  const records = new Map<string, Uint8Array>();
  let fitsUstar = entry.wasExtended !== true;
  const nameFits = isAscii(fields.name) && fields.name.length <= FIELD.name[1];
  if (!nameFits) {
    records.set("path", fields.name);
    if (splitPath(fields.name) === undefined) fitsUstar = false;
  }
  if (!isAscii(fields.linkname) || fields.linkname.length > FIELD.linkname[1]) {
    records.set("linkpath", fields.linkname);
    fitsUstar = false;
  }
  for (const field of ["uid", "gid", "size"] as const) {
    if (fitsOctal(fields[field], FIELD[field][1])) continue;
    records.set(field, Buffer.from(String(fields[field])));
    fitsUstar = false;
  }
  if (!fitsPlainTime(entry.mtimeNs)) {
    records.set("mtime", Buffer.from(formatPaxTime(entry.mtimeNs)));
    fitsUstar = false;
  }
  for (const [name, value] of entry.xattrs ?? []) {
    records.set(`SCHILY.xattr.${name}`, value);
    fitsUstar = false;
  }
  return fitsUstar || records.size === 0 ? undefined : records;
}

/** A long name in two parts, at the last slash that leaves both of legal length. */
function splitPath(name: Buffer): { readonly prefix: Buffer; readonly name: Buffer } | undefined {
  if (name.length <= FIELD.name[1] || !isAscii(name)) return undefined;
  let searched = name.length;
  if (searched > FIELD.prefix[1] + 1) searched = FIELD.prefix[1] + 1;
  else if (name[searched - 1] === SLASH) searched -= 1;
  const slash = name.subarray(0, searched).lastIndexOf(SLASH);
  const restBytes = name.length - slash - 1;
  if (slash <= 0 || restBytes === 0 || restBytes > FIELD.name[1] || slash > FIELD.prefix[1]) return undefined;
  return { prefix: name.subarray(0, slash), name: name.subarray(slash + 1) };
}

/** `dir/PaxHeaders.0/base`, cut to what fits. */
function extendedName(name: string): Buffer {
  const slash = name.lastIndexOf("/") + 1;
  const directory = name.slice(0, slash).replace(/^\.?\/+/, "");
  const ascii = asciiOnly(bytesOfPath(`${directory}PaxHeaders.0/${name.slice(slash)}`)).subarray(0, FIELD.name[1]);
  let end = ascii.length;
  while (end > 0 && ascii[end - 1] === SLASH) end -= 1;
  return ascii.subarray(0, end);
}

function headerBlock(fields: Fields): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  writeText(block, FIELD.name, fields.name);
  for (const field of ["mode", "uid", "gid", "size", "mtime"] as const) writeOctal(block, FIELD[field], fields[field]);
  block.write(fields.typeflag, FIELD.typeflag[0], "latin1");
  writeText(block, FIELD.linkname, fields.linkname);
  block.write("ustar\x0000", FIELD.magic[0], "latin1");
  // The headers that extend others leave the device numbers out.
  if (fields.typeflag !== "x") {
    writeOctal(block, FIELD.devmajor, fields.devmajor);
    writeOctal(block, FIELD.devminor, fields.devminor);
  }
  writeText(block, FIELD.prefix, fields.prefix);
  block.write(`${checksumOf(block).toString(8).padStart(6, "0")}\0 `, FIELD.checksum[0], "latin1");
  return block;
}

function writeText(block: Buffer, [offset, length]: readonly [number, number], text: Buffer): void {
  text.copy(block, offset, 0, Math.min(text.length, length));
  if (text.length <= length || block[offset + length - 1] !== SLASH) return;
  // A cut name that ends in a slash would be taken for a directory by some readers.
  let end = length - 1;
  while (end > 0 && block[offset + end - 1] === SLASH) end -= 1;
  block[offset + end] = 0;
}

/** What does not fit is written as zero; a PAX record says it instead. */
function writeOctal(block: Buffer, [offset, length]: readonly [number, number], value: number): void {
  const digits = (fitsOctal(value, length) ? value : 0).toString(8).padStart(length - 1, "0");
  block.write(digits, offset, "latin1");
}

function fitsOctal(value: number, fieldBytes: number): boolean {
  return value >= 0 && value < 8 ** (fieldBytes - 1);
}

/** Whether a header in plain ustar can say this time. */
export function fitsPlainTime(mtimeNs: bigint): boolean {
  return mtimeNs % NS_PER_S === 0n && fitsOctal(Number(floorSeconds(mtimeNs)), FIELD.mtime[1]);
}

function isAscii(bytes: Buffer): boolean {
  return bytes.every((byte) => byte > 0 && byte < 0x80);
}

function asciiOnly(bytes: Buffer): Buffer {
  return isAscii(bytes) ? bytes : bytes.filter((byte) => byte > 0 && byte < 0x80) as Buffer;
}

function floorSeconds(ns: bigint): bigint {
  return (ns - (((ns % NS_PER_S) + NS_PER_S) % NS_PER_S)) / NS_PER_S;
}
