import type { ByteStream } from "../content/blob-store.ts";
import { ArchiveError } from "./archive-error.ts";
import type { ChunkReader } from "./chunk-reader.ts";
import type { ArchiveLimits } from "./limits.ts";
import type { PaxRecords } from "./pax.ts";
import { BLOCK_BYTES, parseNumber, type TarHeader } from "./tar-header.ts";

/** Bytes of a sparse file that the archive has; between two, before the first and after the last it is zeros. */
export interface SparsePiece {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** GNU's own headers, records before or in version 0.1, or a text before the content. */
export type SparseForm = "headers" | "records" | "text";

/** Offset and size, in GNU's headers. */
const NUMBER_BYTES = 12;
const PIECE_BYTES = 2 * NUMBER_BYTES;
/** In the member's own header: four pieces, whether there are more, and the size of the file. */
const OWN_PIECES = { at: 386, count: 4, more: 482, realSize: 483 };
/** A block of nothing but pieces, and whether there are more. */
const MORE_PIECES = { at: 0, count: 21, more: 504 };
/** As in Go. */
const PIECES_MAX = 1 << 20;
const NEWLINE = 0x0a;

/** Undefined for a file that is written whole. A version that nobody knows is none. */
export function sparseFormOf({ typeflag }: TarHeader, records: PaxRecords): SparseForm | undefined {
  if (typeflag === "S") return "headers";
  const [major, minor] = ["GNU.sparse.major", "GNU.sparse.minor"].map((keyword) => textOf(records, keyword));
  if (major === "0" && (minor === "0" || minor === "1")) return "records";
  if (major === "1" && minor === "0") return "text";
  return major === "" && minor === "" && textOf(records, "GNU.sparse.map") !== "" ? "records" : undefined;
}

/** How long a sparse file is with its zeros; undefined where nobody says, and it is as long as what there is of it. */
export function sparseSizeOf({ gnuBlock }: TarHeader, records: PaxRecords, form: SparseForm): number | undefined {
  if (form === "headers") {
    if (gnuBlock === undefined) throw malformed();
    return inReach(parseNumber(gnuBlock, [OWN_PIECES.realSize, NUMBER_BYTES]));
  }
  const text = textOf(records, "GNU.sparse.size") || textOf(records, "GNU.sparse.realsize");
  return text === "" ? undefined : inReach(numberOf(text));
}

/** The name that is meant, where the member's own only says that it is sparse. */
export function sparseNameOf(records: PaxRecords): Buffer | undefined {
  const name = records.get("GNU.sparse.name");
  return name === undefined || name.length === 0 ? undefined : name;
}

/** What the archive has of a sparse file, and how many bytes of the member said so. */
export interface SparseMap {
  readonly pieces: readonly SparsePiece[];
  readonly memberBytes: number;
}

interface SparseMember {
  readonly header: TarHeader;
  readonly records: PaxRecords;
  readonly form: SparseForm;
  /** Of the member in the archive. */
  readonly memberBytes: number;
  /** Of the file. */
  readonly sizeBytes: number;
}

/** Reads what stands between a member's header and its content. */
export async function readSparseMap(input: ChunkReader, member: SparseMember, limits: ArchiveLimits): Promise<SparseMap> {
  const map = await mapOf(input, member, limits);
  let end = 0;
  for (const { offsetBytes, sizeBytes } of map.pieces) {
    if (offsetBytes < end || sizeBytes < 0 || offsetBytes + sizeBytes > member.sizeBytes) throw malformed();
    end = offsetBytes + sizeBytes;
  }
  return map;
}

async function mapOf(input: ChunkReader, { header, records, form, memberBytes }: SparseMember, limits: ArchiveLimits): Promise<SparseMap> {
  switch (form) {
    case "headers":
      return { pieces: await headerPieces(input, header, limits), memberBytes: 0 };
    case "records":
      return { pieces: recordPieces(records), memberBytes: 0 };
    case "text":
      return await textPieces(input, memberBytes, limits);
  }
}

async function headerPieces(input: ChunkReader, { gnuBlock }: TarHeader, { extendedHeaderBytesMax }: ArchiveLimits): Promise<readonly SparsePiece[]> {
  if (gnuBlock === undefined) throw malformed();
  const pieces: SparsePiece[] = [];
  let [block, place, readBytes] = [gnuBlock, { ...MORE_PIECES, ...OWN_PIECES }, BLOCK_BYTES];
  for (;;) {
    for (let i = 0; i < place.count; i += 1) {
      const at = place.at + i * PIECE_BYTES;
      // The rest of the block is not used.
      if (block[at] === 0) break;
      pieces.push({ offsetBytes: parseNumber(block, [at, NUMBER_BYTES]), sizeBytes: parseNumber(block, [at + NUMBER_BYTES, NUMBER_BYTES]) });
    }
    if (block[place.more] === 0) return pieces;
    readBytes += BLOCK_BYTES;
    if (readBytes > extendedHeaderBytesMax) throw tooLong(extendedHeaderBytesMax);
    block = await wholeBlock(input);
    place = { ...place, ...MORE_PIECES };
  }
}

function recordPieces(records: PaxRecords): readonly SparsePiece[] {
  const count = numberOf(textOf(records, "GNU.sparse.numblocks"));
  const map = textOf(records, "GNU.sparse.map");
  const numbers = map === "" ? [] : map.split(",");
  if (numbers.length !== 2 * count) throw malformed();
  return piecesOf(numbers);
}

async function textPieces(input: ChunkReader, memberBytes: number, { extendedHeaderBytesMax }: ArchiveLimits): Promise<SparseMap> {
  const blocks: Buffer[] = [];
  let lines = 0;
  // One number a line, the first of which says how many pieces there are; filled up to whole blocks.
  const readLines = async (wanted: number): Promise<readonly string[]> => {
    while (lines < wanted) {
      if ((blocks.length + 1) * BLOCK_BYTES > extendedHeaderBytesMax) throw tooLong(extendedHeaderBytesMax);
      if ((blocks.length + 1) * BLOCK_BYTES > memberBytes) throw new ArchiveError("truncated", "a sparse file ends within its map");
      const block = Buffer.from(await wholeBlock(input));
      blocks.push(block);
      for (const byte of block) if (byte === NEWLINE) lines += 1;
    }
    return Buffer.concat(blocks).toString("latin1").split("\n", wanted);
  };
  const [first = ""] = await readLines(1);
  const count = numberOf(first);
  if (count > PIECES_MAX) throw tooLong(extendedHeaderBytesMax);
  const [, ...numbers] = await readLines(1 + 2 * count);
  return { pieces: piecesOf(numbers), memberBytes: blocks.length * BLOCK_BYTES };
}

function piecesOf(numbers: readonly string[]): readonly SparsePiece[] {
  return Array.from({ length: numbers.length / 2 }, (_, i) => ({ offsetBytes: numberOf(numbers[2 * i]), sizeBytes: numberOf(numbers[2 * i + 1]) }));
}

async function wholeBlock(input: ChunkReader): Promise<Buffer> {
  const block = await input.take(BLOCK_BYTES);
  if (block.length < BLOCK_BYTES) throw new ArchiveError("truncated", "archive ends within the map of a sparse file");
  return block;
}

function textOf(records: PaxRecords, keyword: string): string {
  return records.get(keyword)?.toString("latin1") ?? "";
}

function numberOf(text = ""): number {
  if (!/^\+?[0-9]{1,30}$/.test(text)) throw malformed();
  return inReach(Number(text));
}

/** No file system has such files. */
function inReach(size: number): number {
  if (size < 0) throw malformed();
  if (!Number.isSafeInteger(size)) throw new ArchiveError("too-large", `a sparse file of ${size} bytes`);
  return size;
}

function malformed(): ArchiveError {
  return new ArchiveError("corrupt", "malformed map of a sparse file");
}

function tooLong(limitBytes: number): ArchiveError {
  return new ArchiveError("too-large", `a map of a sparse file of more than ${limitBytes} bytes`);
}

const ZEROS = Buffer.alloc(64 * 1024);

/** The file that pieces are of, its zeros made. `take` hands on the archive's next bytes. */
export async function* sparseContent(pieces: readonly SparsePiece[], sizeBytes: number, take: (sizeBytes: number) => ByteStream): ByteStream {
  let at = 0;
  for (const piece of [...pieces, { offsetBytes: sizeBytes, sizeBytes: 0 }]) {
    for (; at < piece.offsetBytes; at += ZEROS.length) yield ZEROS.subarray(0, piece.offsetBytes - at);
    yield* take(piece.sizeBytes);
    at = piece.offsetBytes + piece.sizeBytes;
  }
}
