import type { ByteStream } from "../content/blob-store.ts";
import { ArchiveError } from "./archive-error.ts";
import { ChunkReader } from "./chunk-reader.ts";
import type { Entry } from "./entry.ts";
import { ARCHIVE_LIMITS, type ArchiveLimits } from "./limits.ts";
import type { Member } from "./member.ts";
import { pathOfBytes } from "./path-bytes.ts";
import { parsePaxRecords, type PaxRecords } from "./pax.ts";
import { entryOf, type ArchiveKind } from "./tar-entry.ts";
import { BLOCK_BYTES, paddingBytes, parseTarHeader, type TarHeader } from "./tar-header.ts";

/** A member that knows where its content lies. */
export interface TarMember extends Member {
  readonly content: MemberContent;
  /** From the start of the archive to the first byte of content. */
  readonly contentOffsetBytes: number;
}

/** What the headers before a member said about it. */
interface Extensions {
  readonly archive: ReadArchive;
  records: Map<string, Buffer>;
  longName: string | undefined;
  longLink: string | undefined;
}

/** What holds for the archive as a whole. */
interface ReadArchive {
  readonly limits: ArchiveLimits;
  readonly global: Map<string, Buffer>;
  extendedBytes: number;
}

/**
 * Reads ustar, GNU, star, PAX and old tars, member by member; contents stay in the stream.
 *
 * Throws ArchiveError for what is damaged, leads out of the root, is beyond the limits, or is sparse. What follows the end
 * of the archive is read to its end and left alone, so that a digest taken in passing covers it.
 */
export async function* readTar(bytes: ByteStream, kind: ArchiveKind = "layer", limits: ArchiveLimits = ARCHIVE_LIMITS): AsyncIterable<TarMember> {
  await using input = new ChunkReader(bytes);

  const archive: ReadArchive = { limits, global: new Map(), extendedBytes: 0 };
  for (let members = 0; ; members += 1) {
    const extensions: Extensions = { archive, records: new Map(), longName: undefined, longLink: undefined };
    const header = await readHeaders(input, extensions);
    if (header === undefined) break;
    if (members === limits.entriesMax) throw new ArchiveError("too-large", `more than ${limits.entriesMax} entries`);
    const entry = entryOf({ header, records: recordsFor(extensions), longName: extensions.longName, longLink: extensions.longLink }, kind, limits);
    const content = new StreamedContent(input, entry?.sizeBytes ?? 0);
    if (entry !== undefined) yield { entry, content, contentOffsetBytes: input.offsetBytes };
    await content.finish();
  }
  while (await input.fill()) input.takeReady(Number.MAX_SAFE_INTEGER);
}

/** The member's own header, after those that extend it; undefined at the end of the archive. */
async function readHeaders(input: ChunkReader, extensions: Extensions): Promise<TarHeader | undefined> {
  const { archive } = extensions;
  const { limits, global } = archive;
  for (let headers = 0; headers < limits.extendedHeadersMax; headers += 1) {
    const block = input.takeExactlyReady(BLOCK_BYTES) ?? (await input.take(BLOCK_BYTES));
    if (block.length === 0 && headers === 0) return undefined;
    if (block.length < BLOCK_BYTES) throw new ArchiveError("truncated", "archive ends within a header");
    const header = parseTarHeader(block);
    if (header === undefined) {
      if (headers > 0) throw new ArchiveError("corrupt", "archive ends between an extended header and its member");
      return undefined;
    }
    switch (header.typeflag) {
      case "x":
        for (const [keyword, value] of await readRecords(input, header, archive)) extensions.records.set(keyword, value);
        break;
      case "g":
        for (const [keyword, value] of await readRecords(input, header, archive)) global.set(keyword, value);
        if (global.size > limits.globalRecordsMax) throw new ArchiveError("too-large", `more than ${limits.globalRecordsMax} records that hold for all members`);
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

async function readRecords(input: ChunkReader, header: TarHeader, archive: ReadArchive): Promise<PaxRecords> {
  return parsePaxRecords(await readExtension(input, header, archive));
}

async function readExtension(input: ChunkReader, header: TarHeader, archive: ReadArchive): Promise<Buffer> {
  const { limits } = archive;
  const sizeBytes = header.number("size");
  archive.extendedBytes += sizeBytes;
  if (archive.extendedBytes > limits.extendedBytesMax) throw new ArchiveError("too-large", `more than ${limits.extendedBytesMax} bytes of extended headers`);
  if (sizeBytes < 0 || sizeBytes > limits.extendedHeaderBytesMax) throw new ArchiveError("too-large", `extended header of ${sizeBytes} bytes`);
  const padded = sizeBytes + paddingBytes(sizeBytes);
  const bytes = await input.take(padded);
  if (bytes.length < padded) throw new ArchiveError("truncated", "archive ends within an extended header");
  // A copy: values outlive the chunk that they came in.
  return Buffer.from(bytes.subarray(0, sizeBytes));
}

function recordsFor(extensions: Extensions): PaxRecords {
  const { global } = extensions.archive;
  if (global.size === 0) return extensions.records;
  return new Map([...global, ...extensions.records]);
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

class StreamedContent implements MemberContent {
  readonly #input: ChunkReader;
  readonly #padding: number;
  #remaining: number;

  constructor(input: ChunkReader, sizeBytes: Entry["sizeBytes"]) {
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
    while (this.#remaining > 0) {
      const piece = this.#input.takeReady(this.#remaining);
      if (piece !== undefined) {
        this.#remaining -= piece.length;
        yield piece;
      } else if (!(await this.#input.fill())) {
        throw new ArchiveError("truncated", `archive ends ${this.#remaining} bytes before the end of a member`);
      }
    }
  }

  async finish(): Promise<void> {
    const expected = this.#remaining + this.#padding;
    this.#remaining = 0;
    if (expected === 0 || this.#input.takeExactlyReady(expected) !== undefined) return;
    if ((await this.#input.skip(expected)) < expected) throw new ArchiveError("truncated", "archive ends within a member");
  }
}
