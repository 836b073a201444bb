import { ByteReader } from "../binary/byte-reader.ts";
import type { ElfLayout } from "../binary/elf.ts";
import { readPiece } from "../binary/read-piece.ts";
import { DamagedFileError } from "../read-file.ts";
import type { ScanFile } from "../scan-tree.ts";

/** What Go's linker writes into a program (debug/buildinfo). */
export interface GoBuildInfo {
  /** `go1.22.0`. */
  readonly goVersion: string;
  /** The module information, tab-separated lines; empty in a program that was built without modules. */
  readonly modules: string;
}

const SECTION = ".go.buildinfo";
const MAGIC = Buffer.from("\xff Go buildinf:", "latin1");
/** The magic stands at a multiple of this. */
const ALIGN_BYTES = 16;
const HEADER_BYTES = 32;
/** Flags, after the width of a pointer. */
const BIG_ENDIAN = 1;
const INLINE = 2;
/** Where there is no section of the name, the linker has put it first among what is writable. */
const SEARCHED_BYTES = 1024 * 1024;
/** The modules of the largest programs are some hundred kilobytes. A bound on what a hostile one makes us hold. */
const TEXT_BYTES_MAX = 16 * 1024 * 1024;
/** Around the module information, 16 bytes each: marks by which a debugger finds it. */
const MARK_BYTES = 16;

/** Undefined for a program that Go did not make. Throws DamagedFileError. */
export async function readGoBuildInfo(file: ScanFile, elf: ElfLayout, signal: AbortSignal): Promise<GoBuildInfo | undefined> {
  const header = await findHeader(file, elf, signal);
  if (header === undefined) return undefined;
  const [wordBytes = 0, flags = 0] = header.bytes.subarray(MAGIC.length);
  const texts = (flags & INLINE) !== 0 ? inlineTexts(header.bytes) : await pointedTexts(file, elf, { header: header.bytes, wordBytes, littleEndian: (flags & BIG_ENDIAN) === 0 }, signal);
  return { goVersion: texts.version, modules: withoutMarks(texts.modules) };
}

async function findHeader(file: ScanFile, { sections, segments }: ElfLayout, signal: AbortSignal): Promise<{ readonly bytes: Buffer } | undefined> {
  const section = sections.find(({ name }) => name === SECTION);
  const segment = segments.find(({ isWritable, isExecutable }) => isWritable && !isExecutable);
  if (section !== undefined) {
    const bytes = await readPiece(file, { ...section, limitBytes: TEXT_BYTES_MAX }, signal);
    const at = magicAt(bytes);
    if (at < 0) throw new DamagedFileError(`a section ${SECTION} without build information`);
    return { bytes: bytes.subarray(at) };
  }
  if (segment === undefined) return undefined;
  const searched = await readPiece(file, { offsetBytes: segment.offsetBytes, sizeBytes: Math.min(segment.sizeBytes, SEARCHED_BYTES), limitBytes: SEARCHED_BYTES }, signal);
  const at = magicAt(searched);
  if (at < 0) return undefined;
  // To the end of the segment: what is inline may be longer than what was searched.
  const place = { offsetBytes: segment.offsetBytes + at, sizeBytes: Math.min(segment.sizeBytes - at, TEXT_BYTES_MAX) };
  return { bytes: await readPiece(file, { ...place, limitBytes: TEXT_BYTES_MAX }, signal) };
}

function magicAt(bytes: Buffer): number {
  for (let at = bytes.indexOf(MAGIC); at >= 0; at = bytes.indexOf(MAGIC, at + 1)) {
    if (at % ALIGN_BYTES === 0 && bytes.length - at >= HEADER_BYTES) return at;
  }
  return -1;
}

interface Texts {
  readonly version: string;
  readonly modules: Buffer;
}

/** Go 1.18 and later: both texts follow the header, each after its length. */
function inlineTexts(bytes: Buffer): Texts {
  const reader = new ByteReader(bytes, { littleEndian: true, wordBytes: 8 });
  const version = reader.varint(HEADER_BYTES);
  const modules = reader.varint(version.end + version.value);
  return { version: reader.bytes(version.end, version.value).toString("utf8"), modules: reader.bytes(modules.end, modules.value) };
}

interface Pointers {
  readonly header: Buffer;
  readonly wordBytes: number;
  readonly littleEndian: boolean;
}

/** Before: two pointers to strings of Go, each of them a pointer to the bytes and their length. */
async function pointedTexts(file: ScanFile, elf: ElfLayout, { header, wordBytes, littleEndian }: Pointers, signal: AbortSignal): Promise<Texts> {
  if (wordBytes !== 4 && wordBytes !== 8) throw new DamagedFileError(`build information of Go with pointers of ${wordBytes} bytes`);
  const form = { littleEndian, wordBytes } as const;
  const pointers = new ByteReader(header, form);
  const texts = [0, 1].map(async (index) => {
    const address = pointers.word(MAGIC.length + 2 + index * wordBytes);
    const string = new ByteReader(await readAddress(file, elf, { address, sizeBytes: 2 * wordBytes }, signal), form);
    return await readAddress(file, elf, { address: string.word(0), sizeBytes: string.word(wordBytes) }, signal);
  });
  const [version = Buffer.alloc(0), modules = Buffer.alloc(0)] = await Promise.all(texts);
  return { version: version.toString("utf8"), modules };
}

async function readAddress(file: ScanFile, { segments }: ElfLayout, { address, sizeBytes }: { readonly address: number; readonly sizeBytes: number }, signal: AbortSignal): Promise<Buffer> {
  if (sizeBytes === 0) return Buffer.alloc(0);
  const segment = segments.find((one) => one.address <= address && address + sizeBytes <= one.address + one.sizeBytes);
  if (segment === undefined) throw new DamagedFileError("build information of Go that points out of the program");
  return await readPiece(file, { offsetBytes: segment.offsetBytes + address - segment.address, sizeBytes, limitBytes: TEXT_BYTES_MAX }, signal);
}

function withoutMarks(modules: Buffer): string {
  if (modules.length < 2 * MARK_BYTES + 1 || modules[modules.length - MARK_BYTES - 1] !== 0x0a) return "";
  return modules.toString("utf8", MARK_BYTES, modules.length - MARK_BYTES);
}
