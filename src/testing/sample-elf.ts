/** What a sample is made of: sections with content, all of them loaded in one writable segment from `ELF_ADDRESS` on. */
export interface SampleElf {
  readonly wordBytes: 4 | 8;
  readonly littleEndian: boolean;
  readonly sections: ReadonlyArray<{ readonly name: string; readonly content: Uint8Array }>;
  /** Without it the program has been stripped of its section table. */
  readonly sectionTable: boolean;
}

/** The address of the first byte of the first section. */
export const ELF_ADDRESS = 0x10000;

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
/** Sections begin at multiples of this, as build information of Go must. */
const ALIGN_BYTES = 16;

/** A program of one's own making (System V ABI, chapter 4): nothing in it runs. */
export function sampleElf({ wordBytes, littleEndian, sections, sectionTable }: SampleElf): Buffer {
  const start = align(HEADER_BYTES + SEGMENT_BYTES);
  const names = Buffer.from(`\0${sections.map(({ name }) => `${name}\0`).join("")}.shstrtab\0`);
  const placed: Array<{ readonly name: number; readonly content: Uint8Array; readonly offset: number }> = [];
  let offset = start;
  let name = 1;
  for (const section of [...sections, { name: ".shstrtab", content: names }]) {
    placed.push({ name, content: section.content, offset });
    name += section.name.length + 1;
    offset = align(offset + section.content.byteLength);
  }
  const field = numbers(littleEndian);
  const loaded = (placed.at(-1)?.offset ?? start) - start;
  const body = Buffer.alloc(offset - start);
  for (const { content, offset: at } of placed) body.set(content, at - start);
  const counts = [wordBytes === 8 ? SEGMENT_BYTES : 32, 1, wordBytes === 8 ? 64 : 40, sectionTable ? placed.length + 1 : 0, sectionTable ? placed.length : 0];
  const header = Buffer.concat([
    Buffer.of(0x7f, 0x45, 0x4c, 0x46, wordBytes / 4, littleEndian ? 1 : 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    field(2, 2), field(2, 62), field(4, 1), field(wordBytes, 0), field(wordBytes, HEADER_BYTES), field(wordBytes, sectionTable ? offset : 0),
    field(4, 0), field(2, HEADER_BYTES), ...counts.map((count) => field(2, count)),
  ]);
  const flags = field(4, 6);
  const segment = [field(4, 1), ...(wordBytes === 8 ? [flags] : []), ...[start, ELF_ADDRESS, ELF_ADDRESS, loaded, loaded].map((one) => field(wordBytes, one)), ...(wordBytes === 4 ? [flags] : []), field(wordBytes, 16)];
  const row = (at: number, place: number, size: number): Buffer[] => [field(4, at), field(4, 1), ...[0, 0, place, size].map((one) => field(wordBytes, one)), field(4, 0), field(4, 0), field(wordBytes, 1), field(wordBytes, 0)];
  const table = sectionTable ? [row(0, 0, 0), ...placed.map((one) => row(one.name, one.offset, one.content.byteLength))].flat() : [];
  return Buffer.concat([pad(header, HEADER_BYTES), pad(Buffer.concat(segment), start - HEADER_BYTES), body, ...table]);
}

/** Writes a number in so many bytes. */
export function numbers(littleEndian: boolean): (sizeBytes: number, value: number) => Buffer {
  return (sizeBytes, value) => {
    const bytes = Buffer.alloc(sizeBytes);
    for (let index = 0; index < sizeBytes; index++) bytes[littleEndian ? index : sizeBytes - 1 - index] = Math.floor(value / 256 ** index) % 256;
    return bytes;
  };
}

function align(offset: number): number {
  return Math.ceil(offset / ALIGN_BYTES) * ALIGN_BYTES;
}

function pad(bytes: Buffer, sizeBytes: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(sizeBytes - bytes.length)]);
}
