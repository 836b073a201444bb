import { crc32, inflateRaw } from "node:zlib";
import { ByteReader } from "../binary/byte-reader.ts";
import { DamagedFileError } from "../read-file.ts";
import type { RandomAccess } from "./random-access.ts";

/** An entry of the central directory (APPNOTE.TXT of PKWARE, 4.3.12). */
export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly isEncrypted: boolean;
  readonly crc32: number;
  readonly compressedBytes: number;
  readonly sizeBytes: number;
  /** Of its local header, from the start of the file. */
  readonly offsetBytes: number;
}

/** Entries of one archive. Far above any of Java; a bound on what a hostile one makes us loop over. */
const ENTRIES_MAX = 500_000;
const DIRECTORY_BYTES_MAX = 64 * 1024 * 1024;
const LITTLE = { littleEndian: true, wordBytes: 8 } as const;
const END = { signature: 0x06054b50, sizeBytes: 22, commentBytesMax: 0xffff };
const END_64 = { signature: 0x06064b50, sizeBytes: 56, locator: 0x07064b50, locatorBytes: 20 };
const ENTRY = { signature: 0x02014b50, sizeBytes: 46 };
const LOCAL = { signature: 0x04034b50, sizeBytes: 30 };
/** What stands in a field that is too small: the number is in a field of 64 bits elsewhere. */
const IN_64_BITS = 0xffffffff;
const EXTRA_64 = 0x0001;
const STORED = 0;
const DEFLATED = 8;

/** The entries that `wants` names, in the order of the directory. Reads the directory and nothing else. Throws DamagedFileError. */
export async function readZipDirectory(archive: RandomAccess, wants: (name: string) => boolean): Promise<ZipEntry[]> {
  const { startBytes, sizeBytes, count, shiftBytes } = await findDirectory(archive);
  if (count > ENTRIES_MAX || sizeBytes > DIRECTORY_BYTES_MAX) throw new DamagedFileError(`an archive of ${count} entries, more than are looked at`);
  const directory = new ByteReader(await archive.read(startBytes, sizeBytes), LITTLE);
  const entries: ZipEntry[] = [];
  for (let at = 0, index = 0; index < count; index++) {
    if (directory.u32(at) !== ENTRY.signature) throw new DamagedFileError("an archive whose directory is not where it should be");
    const nameBytes = directory.u16(at + 28);
    const extraBytes = directory.u16(at + 30);
    const name = directory.bytes(at + ENTRY.sizeBytes, nameBytes).toString("utf8");
    if (wants(name)) entries.push(entryAt(directory, at, name, shiftBytes));
    at += ENTRY.sizeBytes + nameBytes + extraBytes + directory.u16(at + 32);
  }
  return entries;
}

interface Directory {
  readonly startBytes: number;
  readonly sizeBytes: number;
  readonly count: number;
  /** What stands before the archive: a program that starts it, as a rule. Offsets may leave it out. */
  readonly shiftBytes: number;
}

async function findDirectory(archive: RandomAccess): Promise<Directory> {
  const tailBytes = Math.min(archive.sizeBytes, END.sizeBytes + END.commentBytesMax);
  const tailStart = archive.sizeBytes - tailBytes;
  const bytes = await archive.read(tailStart, tailBytes);
  const tail = new ByteReader(bytes, LITTLE);
  for (let at = tailBytes - END.sizeBytes; at >= 0; at--) {
    if (bytes[at] !== 0x50 || tail.u32(at) !== END.signature || at + END.sizeBytes + tail.u16(at + 20) > tailBytes) continue;
    const found = { count: tail.u16(at + 10), sizeBytes: tail.u32(at + 12), offset: tail.u32(at + 16) };
    if (found.offset === IN_64_BITS || found.sizeBytes === IN_64_BITS || found.count === 0xffff) {
      const large = await findDirectory64(archive, tailStart + at);
      if (large !== undefined) return large;
    }
    return directoryOf(found, tailStart + at);
  }
  throw new DamagedFileError("no zip archive, or one that was cut off");
}

/** The locator stands right before the end, and what it points to before that. Undefined where there is none. */
async function findDirectory64(archive: RandomAccess, endOffset: number): Promise<Directory | undefined> {
  if (endOffset < END_64.locatorBytes + END_64.sizeBytes) return undefined;
  const locator = new ByteReader(await archive.read(endOffset - END_64.locatorBytes, END_64.locatorBytes), LITTLE);
  if (locator.u32(0) !== END_64.locator) return undefined;
  const at = endOffset - END_64.locatorBytes - END_64.sizeBytes;
  const end = new ByteReader(await archive.read(at, END_64.sizeBytes), LITTLE);
  if (end.u32(0) !== END_64.signature) throw new DamagedFileError("an archive with an end of 64 bits that is not there");
  return directoryOf({ count: end.u64(32), sizeBytes: end.u64(40), offset: end.u64(48) }, at);
}

function directoryOf({ count, sizeBytes, offset }: { readonly count: number; readonly sizeBytes: number; readonly offset: number }, endBytes: number): Directory {
  const startBytes = endBytes - sizeBytes;
  if (startBytes < offset) throw new DamagedFileError("an archive that was cut off at its start");
  return { startBytes, sizeBytes, count, shiftBytes: startBytes - offset };
}

function entryAt(directory: ByteReader, at: number, name: string, shiftBytes: number): ZipEntry {
  const sizes = { sizeBytes: directory.u32(at + 24), compressedBytes: directory.u32(at + 20), offsetBytes: directory.u32(at + 42) };
  const large = Object.values(sizes).includes(IN_64_BITS) ? sizes64(directory, at, sizes) : sizes;
  return { name, method: directory.u16(at + 10), isEncrypted: (directory.u16(at + 8) & 1) !== 0, crc32: directory.u32(at + 16), ...large, offsetBytes: large.offsetBytes + shiftBytes };
}

type Sizes = Pick<ZipEntry, "sizeBytes" | "compressedBytes" | "offsetBytes">;

/** Those that did not fit stand in the extra field, in this order (4.5.3). */
function sizes64(directory: ByteReader, at: number, sizes: Sizes): Sizes {
  const start = at + ENTRY.sizeBytes + directory.u16(at + 28);
  const end = start + directory.u16(at + 30);
  let field = start;
  while (field + 4 <= end && directory.u16(field) !== EXTRA_64) field += 4 + directory.u16(field + 2);
  let next = field + 4;
  const take = (size: number): number => {
    if (size !== IN_64_BITS) return size;
    next += 8;
    if (next > end) throw new DamagedFileError("an archive with a size that is not there");
    return directory.u64(next - 8);
  };
  return { sizeBytes: take(sizes.sizeBytes), compressedBytes: take(sizes.compressedBytes), offsetBytes: take(sizes.offsetBytes) };
}

/** Where the content of an entry lies, as it is stored. Throws DamagedFileError. */
export async function contentOffset(archive: RandomAccess, entry: ZipEntry): Promise<number> {
  const local = new ByteReader(await archive.read(entry.offsetBytes, LOCAL.sizeBytes), LITTLE);
  if (local.u32(0) !== LOCAL.signature) throw new DamagedFileError("an archive with an entry that is not where it should be");
  return entry.offsetBytes + LOCAL.sizeBytes + local.u16(26) + local.u16(28);
}

/** An archive within an archive, where it can be read without being inflated; undefined where it cannot. */
export async function accessStored(archive: RandomAccess, entry: ZipEntry): Promise<RandomAccess | undefined> {
  if (entry.method !== STORED || entry.isEncrypted) return undefined;
  const start = await contentOffset(archive, entry);
  const { sizeBytes } = entry;
  return {
    sizeBytes,
    read: async (offsetBytes, size) => {
      if (offsetBytes + size > sizeBytes) throw new DamagedFileError("it ends too early");
      return await archive.read(start + offsetBytes, size);
    },
  };
}

/** The content of an entry. Throws DamagedFileError, also for one of more than `limitBytes`, before it is read. */
export async function readEntry(archive: RandomAccess, entry: ZipEntry, limitBytes: number): Promise<Buffer> {
  if (entry.isEncrypted || (entry.method !== STORED && entry.method !== DEFLATED)) throw new DamagedFileError("it is encrypted, or compressed in a way that Java does not know");
  if (entry.sizeBytes > limitBytes || entry.compressedBytes > limitBytes) throw new DamagedFileError(`it has ${entry.sizeBytes} bytes, more than ${limitBytes}`);
  const stored = await archive.read(await contentOffset(archive, entry), entry.compressedBytes);
  const content = entry.method === STORED ? stored : await inflated(stored, entry.sizeBytes);
  if (content.length !== entry.sizeBytes || crc32(content) !== entry.crc32) throw new DamagedFileError("its bytes are not those that were stored");
  return content;
}

async function inflated(stored: Buffer, sizeBytes: number): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    inflateRaw(stored, { maxOutputLength: Math.max(sizeBytes, 1) }, (error, bytes) => {
      if (error === null) resolve(bytes);
      else reject(new DamagedFileError("its bytes are not those that were stored", { cause: error }));
    });
  });
}
