import { crc32, deflateRawSync } from "node:zlib";

export interface SampleZipEntry {
  readonly name: string;
  readonly content: Uint8Array;
  readonly method: "stored" | "deflated";
}

/** Every number of the directory in 64 bits, as archives of more than 4 GB have them. */
export type ZipForm = "zip" | "zip64";

const IN_64_BITS = 0xffffffff;

/** A zip archive (APPNOTE.TXT of PKWARE). */
export function sampleZip(entries: readonly SampleZipEntry[], form: ZipForm = "zip"): Buffer {
  const pieces: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, method } of entries) {
    const stored = method === "stored" ? Buffer.from(content) : deflateRawSync(content);
    const common = [u16(20), u16(0x0800), u16(method === "stored" ? 0 : 8), u32(0), u32(crc32(content))];
    const sizes = [u32(stored.length), u32(content.byteLength)];
    const local = Buffer.concat([u32(0x04034b50), ...common, ...sizes, u16(Buffer.byteLength(name)), u16(4), Buffer.from(name), u16(0xcafe), u16(0), stored]);
    const extra = form === "zip" ? Buffer.alloc(0) : Buffer.concat([u16(0xcafe), u16(0), u16(1), u16(24), u64(content.byteLength), u64(stored.length), u64(offset)]);
    const told = form === "zip" ? [stored.length, content.byteLength, offset] : [IN_64_BITS, IN_64_BITS, IN_64_BITS];
    const [compressedBytes = 0, sizeBytes = 0, place = 0] = told;
    const lengths = [u16(Buffer.byteLength(name)), u16(extra.length), u16(0), u16(0), u16(0), u32(0)];
    directory.push(Buffer.concat([u32(0x02014b50), u16(20), ...common, u32(compressedBytes), u32(sizeBytes), ...lengths, u32(place), Buffer.from(name), extra]));
    pieces.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  return Buffer.concat([...pieces, central, endOf(form, { count: entries.length, sizeBytes: central.length, offset })]);
}

function endOf(form: ZipForm, { count, sizeBytes, offset }: { readonly count: number; readonly sizeBytes: number; readonly offset: number }): Buffer {
  const end = (...numbers: readonly [number, number, number]): Buffer => Buffer.concat([u32(0x06054b50), u32(0), u16(numbers[0]), u16(numbers[0]), u32(numbers[1]), u32(numbers[2]), u16(0)]);
  if (form === "zip") return end(count, sizeBytes, offset);
  const end64 = Buffer.concat([u32(0x06064b50), u64(44), u16(45), u16(45), u32(0), u32(0), u64(count), u64(count), u64(sizeBytes), u64(offset)]);
  return Buffer.concat([end64, u32(0x07064b50), u32(0), u64(offset + sizeBytes), u32(1), end(0xffff, IN_64_BITS, IN_64_BITS)]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
