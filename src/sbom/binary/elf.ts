import { DamagedFileError } from "../read-file.ts";
import type { ScanFile } from "../scan-tree.ts";
import { ByteReader } from "./byte-reader.ts";
import { readPiece } from "./read-piece.ts";

/** What lies where in a program (System V ABI, chapter 4, "Object Files"). */
export interface ElfLayout {
  readonly littleEndian: boolean;
  readonly wordBytes: 4 | 8;
  readonly sections: readonly ElfSection[];
  readonly segments: readonly ElfSegment[];
}

export interface ElfSection {
  readonly name: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** What is loaded. */
export interface ElfSegment {
  readonly address: number;
  readonly offsetBytes: number;
  /** In the file; in memory there may be more. */
  readonly sizeBytes: number;
  readonly isWritable: boolean;
  readonly isExecutable: boolean;
}

const MAGIC = Buffer.of(0x7f, 0x45, 0x4c, 0x46);
const HEADER_BYTES = 64;
/** Sections or segments: some 16,000, far above any program. A bound on what a hostile one makes us hold. */
const TABLE_BYTES_MAX = 1024 * 1024;
const NAMES_BYTES_MAX = 8 * 1024 * 1024;
/** Longer than any name that is looked for. */
const NAME_BYTES_MAX = 256;
/** SHT_NOBITS: takes no space in the file. */
const NO_BITS = 8;
const LOADED = 1;
const EXECUTABLE = 1;
const WRITABLE = 2;

/** Where the fields are that a header has (both classes have the same fields). */
const FIELDS = {
  4: { phoff: 28, shoff: 32, counts: 42, section: { size: 40, offset: 16, length: 20 }, segment: { size: 32, offset: 4, address: 8, length: 16, flags: 24 } },
  8: { phoff: 32, shoff: 40, counts: 54, section: { size: 64, offset: 24, length: 32 }, segment: { size: 56, offset: 8, address: 16, length: 32, flags: 4 } },
} as const;

/** Undefined for a file of another kind. Throws DamagedFileError. Reads the headers, wherever they are, and nothing else. */
export async function readElf(file: ScanFile, signal: AbortSignal): Promise<ElfLayout | undefined> {
  if (file.sizeBytes < HEADER_BYTES) return undefined;
  const header = await readPiece(file, { offsetBytes: 0, sizeBytes: HEADER_BYTES, limitBytes: HEADER_BYTES }, signal);
  const [, , , , bits, order] = header;
  if (!header.subarray(0, MAGIC.length).equals(MAGIC) || (bits !== 1 && bits !== 2) || (order !== 1 && order !== 2)) return undefined;
  const form = { littleEndian: order === 1, wordBytes: bits === 2 ? 8 : 4 } as const;
  const reader = new ByteReader(header, form);
  return { ...form, sections: await readSections(file, reader, form, signal), segments: await readSegments(file, reader, form, signal) };
}

type Form = Pick<ElfLayout, "littleEndian" | "wordBytes">;

async function readSections(file: ScanFile, header: ByteReader, form: Form, signal: AbortSignal): Promise<ElfSection[]> {
  const { shoff, counts, section } = FIELDS[form.wordBytes];
  const offsetBytes = header.word(shoff);
  // Zero also where there are more than the header has room for, which is more than are looked at.
  const count = header.u16(counts + 6);
  const names = header.u16(counts + 8);
  if (offsetBytes === 0 || count === 0) return [];
  requireSize(header.u16(counts + 4), section.size);
  const table = new ByteReader(await readPiece(file, { offsetBytes, sizeBytes: count * section.size, limitBytes: TABLE_BYTES_MAX }, signal), form);
  const rows = Array.from({ length: count }, (_none, index) => {
    const at = index * section.size;
    return { name: table.u32(at), type: table.u32(at + 4), offsetBytes: table.word(at + section.offset), sizeBytes: table.word(at + section.length) };
  });
  const strings = rows[names];
  if (strings === undefined || names === 0) return [];
  const text = new ByteReader(await readPiece(file, { ...strings, limitBytes: NAMES_BYTES_MAX }, signal), form);
  return rows.slice(1).filter(({ type }) => type !== NO_BITS).map(({ name, type: _type, ...place }) => ({ name: text.zeroEnded(name, NAME_BYTES_MAX), ...place }));
}

async function readSegments(file: ScanFile, header: ByteReader, form: Form, signal: AbortSignal): Promise<ElfSegment[]> {
  const { phoff, counts, segment } = FIELDS[form.wordBytes];
  const count = header.u16(counts + 2);
  if (count === 0) return [];
  requireSize(header.u16(counts), segment.size);
  const table = new ByteReader(await readPiece(file, { offsetBytes: header.word(phoff), sizeBytes: count * segment.size, limitBytes: TABLE_BYTES_MAX }, signal), form);
  return Array.from({ length: count }, (_none, index) => index * segment.size).filter((at) => table.u32(at) === LOADED).map((at) => {
    const flags = table.u32(at + segment.flags);
    return {
      address: table.word(at + segment.address), offsetBytes: table.word(at + segment.offset), sizeBytes: table.word(at + segment.length),
      isWritable: (flags & WRITABLE) !== 0, isExecutable: (flags & EXECUTABLE) !== 0,
    };
  });
}

function requireSize(actual: number, expected: number): void {
  if (actual !== expected) throw new DamagedFileError(`a table of ELF with entries of ${actual} bytes instead of ${expected}`);
}
