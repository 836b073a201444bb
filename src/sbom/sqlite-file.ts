import { DamagedFileError } from "./read-file.ts";

/** Pages of a data base of SQLite, numbered from 1. */
export interface SqliteFile {
  /** Of each page, what tables may use; the rest is reserved. */
  readonly usableBytes: number;
  /** Throws DamagedFileError for a page that is not there. */
  page(number: number): Buffer;
}

const MAGIC: Buffer = Buffer.from("SQLite format 3\0", "latin1");
const HEADER_BYTES = 100;
const UTF8 = 1;
const PAGE_BYTES_MIN = 512;

/**
 * A data base that is in memory (SQLite's file format, 1), as it is after what its write-ahead log (4) has committed.
 * SQLite itself would want a file of its own and does what a schema says; a data base that comes with an image is only read.
 * Throws DamagedFileError.
 */
export function sqliteFile(bytes: Buffer, log: Buffer | undefined): SqliteFile {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new DamagedFileError("no data base of SQLite");
  // 65536 does not fit into the field, and is written as 1.
  const pageBytes = bytes.readUInt16BE(16) === 1 ? 65536 : bytes.readUInt16BE(16);
  const usableBytes = pageBytes - bytes.readUInt8(20);
  if (pageBytes < PAGE_BYTES_MIN || (pageBytes & (pageBytes - 1)) !== 0 || usableBytes < PAGE_BYTES_MIN - 32) throw new DamagedFileError(`pages of ${pageBytes} bytes`);
  if (bytes.readUInt32BE(56) > UTF8) throw new DamagedFileError("a data base whose texts are in UTF-16");
  const committed = log === undefined ? new Map<number, Buffer>() : committedPages(log, pageBytes);
  return {
    usableBytes,
    page(number) {
      const page = committed.get(number) ?? bytes.subarray((number - 1) * pageBytes, number * pageBytes);
      if (number < 1 || page.length < pageBytes) throw new DamagedFileError(`page ${number} is not there`);
      return page;
    },
  };
}

const LOG_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** Pages as the last commit left them (4.2 to 4.4). What follows it, or is left of an earlier log, does not count. */
function committedPages(log: Buffer, pageBytes: number): Map<number, Buffer> {
  const committed = new Map<number, Buffer>();
  if (log.length < LOG_HEADER_BYTES || (log.readUInt32BE(0) & ~1) !== 0x377f0682 || log.readUInt32BE(8) !== pageBytes) return committed;
  const isLittle = (log.readUInt32BE(0) & 1) === 0;
  let sum = checksum(log.subarray(0, 24), [0, 0], isLittle);
  if (!isSum(log, 24, sum)) return committed;
  const pending = new Map<number, Buffer>();
  for (let at = LOG_HEADER_BYTES; at + FRAME_HEADER_BYTES + pageBytes <= log.length; at += FRAME_HEADER_BYTES + pageBytes) {
    const page = log.subarray(at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + pageBytes);
    sum = checksum(page, checksum(log.subarray(at, at + 8), sum, isLittle), isLittle);
    // Each sum goes on from the one before, and the first from the header's: what is left of an earlier log has others.
    if (!isSum(log, at + 16, sum)) break;
    pending.set(log.readUInt32BE(at), page);
    const isCommit = log.readUInt32BE(at + 4) !== 0;
    if (!isCommit) continue;
    for (const [number, changed] of pending) committed.set(number, changed);
    pending.clear();
  }
  return committed;
}

type Sum = readonly [number, number];

function checksum(bytes: Buffer, [first, second]: Sum, isLittle: boolean): Sum {
  const word = isLittle ? (at: number) => bytes.readUInt32LE(at) : (at: number) => bytes.readUInt32BE(at);
  let [a, b] = [first, second];
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    a = (a + word(at) + b) >>> 0;
    b = (b + word(at + 4) + a) >>> 0;
  }
  return [a, b];
}

function isSum(log: Buffer, at: number, [a, b]: Sum): boolean {
  return log.readUInt32BE(at) === a && log.readUInt32BE(at + 4) === b;
}
