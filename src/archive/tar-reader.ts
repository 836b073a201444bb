import type { ByteStream } from "../content/blob-store.ts";
import { ArchiveError } from "./archive-error.ts";
import { ChunkReader } from "./chunk-reader.ts";
import { ARCHIVE_LIMITS, type ArchiveLimits } from "./limits.ts";
import type { Member } from "./member.ts";
import { pathOfBytes } from "./path-bytes.ts";
import { parsePaxRecords, type PaxRecords } from "./pax.ts";
import { readSparseMap, sparseContent, sparseFormOf, type SparsePiece } from "./sparse.ts";
import { contentBytesOf, entryOf, nameOf, type ArchiveKind, type RawMember } from "./tar-entry.ts";
import { BLOCK_BYTES, isZeroBlock, paddingBytes, parseTarHeader, type TarHeader } from "./tar-header.ts";

/** A member that knows where its content lies. */
export interface TarMember extends Member {
  /** As the archive writes it, neither cleaned nor read for marks. */
  readonly name: string;
  readonly content: MemberContent;
  /** From the start of the archive to the first byte of content. */
  readonly contentOffsetBytes: number;
  /** Of a sparse file: what lies there of it, one piece behind the other. */
  readonly pieces?: readonly SparsePiece[];
}

/** What the headers before a member said about it. */
interface Extensions {
  records: PaxRecords;
  longName: string;
  longLink: string;
}

const UNSAID: Extensions = { records: new Map(), longName: "", longLink: "" };

/** What holds for the archive as a whole. */
interface ReadArchive {
  readonly limits: ArchiveLimits;
  extendedBytes: number;
  /** Zeros that sparse files left out. */
  holeBytes: number;
}

/**
 * Reads ustar, GNU, star, PAX and old tars, member by member; contents stay in the stream, and sparse files have their zeros again.
 *
 * Throws ArchiveError for what is damaged, leads out of the root, or is beyond the limits. What is damaged is what
 * Go says is: that is what other tools unpack with. What follows the end of the archive is read to its end and left alone, so
 * that a digest taken in passing covers it.
 */
export async function* readTar(bytes: ByteStream, kind: ArchiveKind = "layer", limits: ArchiveLimits = ARCHIVE_LIMITS): AsyncIterable<TarMember> {
  await using input = new ChunkReader(bytes);

  const archive: ReadArchive = { limits, extendedBytes: 0, holeBytes: 0 };
  for (let members = 0; ; members += 1) {
    const extensions = { ...UNSAID };
    const header = await readHeaders(input, extensions, archive);
    if (header === undefined) break;
    if (members === limits.entriesMax) throw new ArchiveError("too-large", `more than ${limits.entriesMax} entries`);
    const raw = { header, ...extensions };
    const entry = entryOf(raw, kind, limits);
    const sparse = entry === undefined ? undefined : await sparseContentOf(input, raw, entry.sizeBytes, archive);
    const content = sparse ?? new StreamedContent(input, contentBytesOf(raw));
    if (entry !== undefined) yield { entry, name: nameOf(raw), content, contentOffsetBytes: input.offsetBytes, ...(sparse === undefined ? {} : { pieces: sparse.pieces }) };
    await content.finish();
  }
  while (await input.fill()) input.takeReady(Number.MAX_SAFE_INTEGER);
}

/** The member's own header, after those that extend it; undefined at the end of the archive. */
async function readHeaders(input: ChunkReader, extensions: Extensions, archive: ReadArchive): Promise<TarHeader | undefined> {
  const { limits } = archive;
  for (let headers = 0; headers < limits.extendedHeadersMax; headers += 1) {
    const block = await readBlock(input);
    if (block === undefined) return undefined;
    const header = parseTarHeader(block);
    switch (header.typeflag) {
      case "x":
        extensions.records = parsePaxRecords(await readExtension(input, header, archive));
        break;
      case "g":
        // Said of all members that follow (POSIX), and by Go of none: it takes it for a member that nobody has a use for.
        parsePaxRecords(await readExtension(input, header, archive));
        Object.assign(extensions, UNSAID);
        break;
      case "L":
        extensions.longName = textOf(await readExtension(input, header, archive));
        break;
      case "K":
        extensions.longLink = textOf(await readExtension(input, header, archive));
        break;
      default:
        return header;
    }
  }
  throw new ArchiveError("corrupt", `more than ${limits.extendedHeadersMax} extended headers for one member`);
}

/** Undefined at the end, which is that of the bytes, or two blocks of zeros. */
async function readBlock(input: ChunkReader): Promise<Buffer | undefined> {
  const block = await takeBlock(input);
  if (block === undefined || !isZeroBlock(block)) return block;
  const second = await takeBlock(input);
  if (second !== undefined && !isZeroBlock(second)) throw new ArchiveError("corrupt", "a block of zeros within the archive");
  return undefined;
}

async function takeBlock(input: ChunkReader): Promise<Buffer | undefined> {
  const block = input.takeExactlyReady(BLOCK_BYTES) ?? (await input.take(BLOCK_BYTES));
  if (block.length === 0) return undefined;
  if (block.length < BLOCK_BYTES) throw new ArchiveError("truncated", "archive ends within a header");
  return block;
}

async function readExtension(input: ChunkReader, header: TarHeader, archive: ReadArchive): Promise<Buffer> {
  const { limits } = archive;
  const sizeBytes = header.number("size");
  archive.extendedBytes += sizeBytes;
  if (archive.extendedBytes > limits.extendedBytesMax) throw new ArchiveError("too-large", `more than ${limits.extendedBytesMax} bytes of extended headers`);
  if (sizeBytes < 0 || sizeBytes > limits.extendedHeaderBytesMax) throw new ArchiveError("too-large", `extended header of ${sizeBytes} bytes`);
  const bytes = await input.take(sizeBytes + paddingBytes(sizeBytes));
  if (bytes.length < sizeBytes) throw new ArchiveError("truncated", "archive ends within an extended header");
  // A copy: values outlive the chunk that they came in.
  return Buffer.from(bytes.subarray(0, sizeBytes));
}

function textOf(bytes: Buffer): string {
  const zero = bytes.indexOf(0);
  return pathOfBytes(zero < 0 ? bytes : bytes.subarray(0, zero));
}

/** The bytes of one member, to be read once; what nobody reads is passed over. */
export interface MemberContent extends ByteStream {
  /** All of it, where that lies ready in one piece, as most files do; it is valid until the next member is asked for. */
  takeWhole(): Uint8Array | undefined;
}

/** Undefined for what is written whole. */
async function sparseContentOf(input: ChunkReader, { header, records }: RawMember, sizeBytes: number, archive: ReadArchive): Promise<SparseContent | undefined> {
  const form = sparseFormOf(header, records);
  if (form === undefined) return undefined;
  const { limits } = archive;
  const contentBytes = contentBytesOf({ header, records, longName: "", longLink: "" });
  const map = await readSparseMap(input, { header, records, form, memberBytes: contentBytes, sizeBytes }, limits);
  const { freeBytes, ratioMax } = limits.expansion;
  archive.holeBytes += sizeBytes - map.pieces.reduce((sum, piece) => sum + piece.sizeBytes, 0);
  if (archive.holeBytes > freeBytes && archive.holeBytes > (input.offsetBytes + contentBytes) * ratioMax) throw new ArchiveError("too-large", `sparse files that grow beyond ${freeBytes} bytes, and to more than ${ratioMax} times the size of their archive`);
  return new SparseContent(new StreamedContent(input, contentBytes - map.memberBytes), map.pieces, sizeBytes);
}

class SparseContent implements MemberContent {
  readonly pieces: readonly SparsePiece[];
  readonly #stored: StreamedContent;
  readonly #sizeBytes: number;

  constructor(stored: StreamedContent, pieces: readonly SparsePiece[], sizeBytes: number) {
    this.#stored = stored;
    this.pieces = pieces;
    this.#sizeBytes = sizeBytes;
  }

  takeWhole(): undefined {
    return undefined;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    yield* sparseContent(this.pieces, this.#sizeBytes, (sizeBytes) => this.#stored.take(sizeBytes));
    this.#stored.expectEnd();
  }

  async finish(): Promise<void> {
    await this.#stored.finish();
  }
}

class StreamedContent implements MemberContent {
  readonly #input: ChunkReader;
  readonly #padding: number;
  #remaining: number;

  constructor(input: ChunkReader, sizeBytes: number) {
    this.#input = input;
    this.#remaining = sizeBytes;
    this.#padding = paddingBytes(sizeBytes);
  }

  takeWhole(): Uint8Array | undefined {
    const whole = this.#input.takeExactlyReady(this.#remaining);
    if (whole !== undefined) this.#remaining = 0;
    return whole;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    yield* this.take(this.#remaining);
  }

  expectEnd(): void {
    if (this.#remaining > 0) throw new ArchiveError("corrupt", "a sparse file has more bytes than its map says");
  }

  /** The next so many. */
  async *take(sizeBytes: number): AsyncGenerator<Uint8Array> {
    if (sizeBytes > this.#remaining) throw new ArchiveError("corrupt", "a sparse file has fewer bytes than its map says");
    for (let missing = sizeBytes; missing > 0; ) {
      const piece = this.#input.takeReady(missing);
      if (piece !== undefined) {
        missing -= piece.length;
        this.#remaining -= piece.length;
        yield piece;
      } else if (!(await this.#input.fill())) {
        throw new ArchiveError("truncated", `archive ends ${this.#remaining} bytes before the end of a member`);
      }
    }
  }

  async finish(): Promise<void> {
    const content = this.#remaining;
    const expected = content + this.#padding;
    this.#remaining = 0;
    if (expected === 0 || this.#input.takeExactlyReady(expected) !== undefined) return;
    // The last member's padding may be missing.
    if ((await this.#input.skip(expected)) < content) throw new ArchiveError("truncated", "archive ends within a member");
  }
}
